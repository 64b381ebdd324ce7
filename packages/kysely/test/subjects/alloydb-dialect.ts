import { recordClients } from '@alloydb-tooling/conformance/record-clients'
import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { CompiledQuery, Kysely } from 'kysely'
import pg from 'pg'
import { AlloyDBDialect } from '../../src/index.ts'

export const subject: Subject = {
  name: 'AlloyDBDialect',
  module: import.meta.url,
  findsIamUser: true,
  open({ dialer, connectTimeoutMs, ...config }) {
    const { Client, sockets } = recordClients(pg.Client)
    const db = new Kysely<unknown>({
      dialect: new AlloyDBDialect({
        ...config,
        connector: dialer,
        connectionTimeoutMillis: connectTimeoutMs,
        Client: Client as unknown as NonNullable<pg.PoolConfig['Client']>,
      }),
    })
    return {
      query: queryOf(db),
      transaction: (work) => db.transaction().execute((transaction) => work(queryOf(transaction))),
      end: () => db.destroy(),
      sockets,
    }
  },
}

function queryOf(db: Kysely<unknown>): Query {
  return async (text, parameters = []) =>
    (await db.executeQuery(CompiledQuery.raw(text, [...parameters]))).rows
}
