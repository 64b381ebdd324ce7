import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import { pgConfig } from '@alloydb/pg'
import { createPool, type CommonQueryMethods, type QuerySqlToken } from 'slonik'
import { z } from 'zod'
import { createAlloyDBDriver } from '../../../../examples/slonik-pool/src/alloydb-driver.ts'

/** Slonik, with the driver that its example shows. */
export const subject: Subject = {
  name: 'Slonik',
  module: import.meta.url,
  lacks: { sockets: 'Slonik keeps its connections to itself' },
  unwrapError: (error) => (error as { cause?: unknown }).cause ?? error,
  async open({ dialer, instance, ipType, authType, connectTimeoutMs, max, ...login }) {
    const pool = await createPool('postgres://', {
      driverFactory: createAlloyDBDriver({
        ...login,
        connectionTimeoutMillis: connectTimeoutMs,
        ...pgConfig(dialer, instance, { ipType, authType }),
      }),
      maxPoolSize: max,
      typeParsers: [],
      connectionRetryLimit: 0,
      gracefulTerminationTimeout: 1_000, // more than any query here takes, on a busy machine too
      dangerouslyAllowForeignConnections: true, // beside a transaction
    })
    return {
      query: queryOf(pool),
      transaction: (work) => pool.transaction((transaction) => work(queryOf(transaction)), 0),
      end: () => pool.end(),
    }
  },
}

function queryOf(queryable: CommonQueryMethods): Query {
  return async (sql, values = []) => {
    const query = { parser: z.record(z.string(), z.unknown()), sql, type: 'SLONIK_TOKEN_QUERY', values }
    return (await queryable.query(query as unknown as QuerySqlToken)).rows as object[]
  }
}
