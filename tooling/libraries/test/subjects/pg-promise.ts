import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import type pg from 'pg'
import createPgPromise, { type IBaseProtocol } from 'pg-promise'

export const subject: Subject = {
  name: 'pg-promise',
  module: import.meta.url,
  open({ dialer, instance, ipType, authType, connectTimeoutMs, ...config }) {
    const clients = new Set<pg.Client>()
    const pgp = createPgPromise({
      connect: ({ client }) => void clients.add(client as unknown as pg.Client),
      noWarnings: true, // of many databases with one config
    })
    const db = pgp({
      ...config,
      connectionTimeoutMillis: connectTimeoutMs,
      ...pgConfig(dialer, instance, { ipType, authType }),
    } as Parameters<typeof pgp>[0])
    return {
      query: queryOf(db),
      transaction: (work) => db.tx((task) => work(queryOf(task))),
      end: () => db.$pool.end(),
      sockets: () => [...clients].map(({ connection }) => connection.stream),
    }
  },
}

function queryOf(queryable: IBaseProtocol<unknown>): Query {
  return (sql, parameters = []) => queryable.any<object>(sql, [...parameters])
}
