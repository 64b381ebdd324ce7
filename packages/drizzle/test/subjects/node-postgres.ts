import type { Subject } from '@alloydb-tooling/conformance/subject'
import type pg from 'pg'
import { drizzle } from '../../src/index.ts'
import { queryOf } from './query-of.ts'

export const subject: Subject = {
  name: 'drizzle() on node-postgres',
  module: import.meta.url,
  findsIamUser: true,
  types: { timestamptz: '2026-11-22 12:00:00.123+00' }, // for the columns of a schema, Drizzle makes it a Date
  unwrapError: (error) => (error as Error).cause ?? error,
  open({ dialer, connectTimeoutMs, ...config }) {
    const db = drizzle({
      connection: { ...config, connector: dialer, connectionTimeoutMillis: connectTimeoutMs },
    })
    const clients = new Set<unknown>()
    db.$client.on('connect', (client) => void clients.add(client))
    return {
      query: queryOf(db),
      transaction: (work) => db.transaction((transaction) => work(queryOf(transaction))),
      end: () => db.$client.end(),
      sockets: () => [...clients].map((client) => (client as pg.Client).connection.stream),
    }
  },
}
