import { recordClients } from '@alloydb-tooling/conformance/record-clients'
import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import pg from 'pg'
import { DataSource, type EntityManager } from 'typeorm'

export const subject: Subject = {
  name: 'TypeORM',
  module: import.meta.url,
  lacks: {
    'end after queries': 'destroy() takes the connections away from the queries that run',
    'end while connecting': 'a query that is being connected is forgotten by destroy()',
  },
  unwrapError: (error) => (error as { driverError?: unknown }).driverError ?? error,
  async open({ dialer, instance, ipType, authType, connectTimeoutMs, max, user = '', password, database }) {
    const { Client, sockets } = recordClients(pg.Client)
    const dataSource = await new DataSource({
      type: 'postgres',
      username: user,
      ...(password !== undefined && { password }),
      database,
      poolErrorHandler: () => {},
      extra: {
        Client,
        max,
        connectionTimeoutMillis: connectTimeoutMs,
        ...pgConfig(dialer, instance, { ipType, authType }),
      },
    }).initialize()
    return {
      query: queryOf(dataSource),
      transaction: (work) => dataSource.transaction((manager) => work(queryOf(manager))),
      end: () => dataSource.destroy(),
      sockets,
    }
  },
}

function queryOf(queryable: DataSource | EntityManager): Query {
  return (sql, parameters = []) => queryable.query(sql, [...parameters])
}
