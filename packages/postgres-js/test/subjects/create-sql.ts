import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import type postgres from 'postgres'
import { createSql } from '../../src/index.ts'

export const subject: Subject = {
  name: 'createSql',
  module: import.meta.url,
  findsIamUser: true,
  types: { texts: ['a', 'b,"c"', 'NULL'] },
  lacks: {
    sockets: 'postgres.js keeps its sockets to itself',
    'lost transactions':
      'postgres.js then writes to no socket, which ends the process: porsager/postgres#1208',
  },
  open({ dialer, connectTimeoutMs, ...config }) {
    const sql = createSql({
      ...config,
      connector: dialer,
      ...(connectTimeoutMs !== undefined && { connect_timeout: connectTimeoutMs / 1000 }),
      onnotice: () => {},
    })
    return {
      query: queryOf(sql),
      transaction: async (work) =>
        (await sql.begin(async (sql) => ({ result: await work(queryOf(sql)) }))).result,
      end: () => sql.end(),
    }
  },
}

function queryOf(sql: postgres.Sql | postgres.TransactionSql): Query {
  return async (text, parameters = []) => [
    ...(await sql.unsafe(text, parameters as postgres.ParameterOrJSON<never>[])),
  ]
}
