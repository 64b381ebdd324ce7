import { recordClients } from '@alloydb-tooling/conformance/record-clients'
import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import { MikroORM, type SqlEntityManager } from '@mikro-orm/postgresql'
import pg from 'pg'

export const subject: Subject = {
  name: 'MikroORM 7',
  module: import.meta.url,
  placeholders: '?',
  types: { timestamptz: '2026-11-22 12:00:00.123+00' }, // of an entity's property it makes a Date
  lacks: {
    'dial errors as they are': 'every error becomes a DriverException, with its code and message',
    'lost transactions': 'em.transactional() does not come to its end when the connection does',
    'end while connecting': 'close() forgets the connection that is being made, and leaves it open',
  },
  async open({ dialer, instance, ipType, authType, connectTimeoutMs, max, user = '', password, database }) {
    const { Client, sockets } = recordClients(pg.Client)
    const orm = await MikroORM.init({
      user,
      ...(password !== undefined && { password }),
      dbName: database,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      pool: { max },
      driverOptions: {
        Client,
        connectionTimeoutMillis: connectTimeoutMs,
        ...pgConfig(dialer, instance, { ipType, authType }),
      },
    })
    return {
      query: queryOf(orm.em.fork()),
      transaction: (work) => orm.em.fork().transactional((em) => work(queryOf(em))),
      end: () => orm.close(),
      sockets,
    }
  },
}

function queryOf(em: SqlEntityManager): Query {
  return (sql, parameters = []) => em.execute<object[]>(sql, [...parameters])
}
