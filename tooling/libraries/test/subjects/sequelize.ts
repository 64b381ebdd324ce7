import { recordClients } from '@alloydb-tooling/conformance/record-clients'
import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import pg from 'pg'
import { Sequelize, type Transaction } from 'sequelize'

/** Sequelize would open a connection to ask for it, outside the pool. Its types do not know the option. */
const givenVersion = { databaseVersion: '17.0.0' }

export const subject: Subject = {
  name: 'Sequelize 6',
  module: import.meta.url,
  unwrapError: (error) => (error as { parent?: unknown }).parent ?? error,
  open({ dialer, instance, ipType, authType, connectTimeoutMs, max, user = '', password = '', database }) {
    const { Client, sockets } = recordClients(pg.Client)
    const sequelize = new Sequelize({
      dialect: 'postgres',
      dialectModule: { ...pg, Client },
      ...givenVersion,
      username: user,
      password,
      database,
      pool: { max },
      logging: false,
      dialectOptions: {
        connectionTimeoutMillis: connectTimeoutMs,
        ...pgConfig(dialer, instance, { ipType, authType }),
      },
    })
    return {
      query: queryOf(sequelize, null),
      transaction: (work) => sequelize.transaction((transaction) => work(queryOf(sequelize, transaction))),
      end: () => sequelize.close(),
      sockets,
    }
  },
}

function queryOf(sequelize: Sequelize, transaction: Transaction | null): Query {
  return async (sql, parameters) => {
    const bind = parameters && { bind: [...parameters] }
    const [rows] = await sequelize.query(sql, { transaction, ...bind })
    return rows
  }
}
