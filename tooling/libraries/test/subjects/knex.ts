import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import createKnex, { type Knex } from 'knex'
import type pg from 'pg'

export const subject: Subject = {
  name: 'Knex',
  module: import.meta.url,
  placeholders: '?',
  lacks: { 'PostgreSQL errors as they are': 'Knex puts the SQL in front of the message' },
  open({ dialer, instance, ipType, authType, connectTimeoutMs, max, ...login }) {
    const clients = new Set<pg.Client>()
    const afterCreate = (client: pg.Client, done: (error: null, client: pg.Client) => void): void => {
      clients.add(client)
      done(null, client)
    }
    const knex = createKnex({
      client: 'pg',
      connection: {
        ...login,
        connectionTimeoutMillis: connectTimeoutMs,
        ...pgConfig(dialer, instance, { ipType, authType }),
      } as Knex.PgConnectionConfig,
      pool: { min: 0, max, afterCreate },
      log: { warn: () => {} }, // of queries that wait for a connection when all is ended
    })
    return {
      query: queryOf(knex),
      transaction: (work) => knex.transaction((transaction) => work(queryOf(transaction))),
      end: () => knex.destroy(),
      sockets: () => [...clients].map(({ connection }) => connection.stream),
    }
  },
}

function queryOf(knex: Knex): Query {
  return async (sql, parameters = []) =>
    (await knex.raw<pg.QueryResult<object>>(sql, [...parameters] as Knex.RawBinding[])).rows
}
