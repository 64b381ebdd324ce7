import type { Subject } from '@alloydb-tooling/conformance/subject'
import { drizzle } from '../../src/postgres-js.ts'
import { queryOf } from './query-of.ts'

export const subject: Subject = {
  name: 'drizzle() on postgres.js',
  module: import.meta.url,
  findsIamUser: true,
  types: { timestamptz: '2026-11-22 12:00:00.123+00', texts: ['a', 'b,"c"', 'NULL'] },
  unwrapError: (error) => (error as Error).cause ?? error,
  lacks: { sockets: 'postgres.js keeps its sockets to itself' },
  open({ dialer, connectTimeoutMs, ...config }) {
    const db = drizzle({
      connection: {
        ...config,
        connector: dialer,
        ...(connectTimeoutMs !== undefined && { connect_timeout: connectTimeoutMs / 1000 }),
        onnotice: () => {},
      },
    })
    return {
      query: queryOf(db),
      transaction: (work) => db.transaction((transaction) => work(queryOf(transaction))),
      end: () => db.$client.end(),
    }
  },
}
