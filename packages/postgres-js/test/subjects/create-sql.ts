import type { Subject } from '@alloydb-tooling/conformance/subject'
import { createSql } from '../../src/index.ts'
import { sqlSession } from './sql-session.ts'

export const subject: Subject = {
  name: 'createSql',
  module: import.meta.url,
  findsIamUser: true,
  types: { texts: ['a', 'b,"c"', 'NULL'] },
  lacks: {
    sockets: 'postgres.js keeps its sockets to itself; create-sql-suite.ts looks at those of the dialer',
  },
  open({ dialer, connectTimeoutMs, ...config }) {
    const sql = createSql({
      ...config,
      connector: dialer,
      ...(connectTimeoutMs !== undefined && { connect_timeout: connectTimeoutMs / 1000 }),
      onnotice: () => {},
    })
    return sqlSession(sql)
  },
}
