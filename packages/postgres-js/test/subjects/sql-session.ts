import type { Query, Session } from '@alloydb-tooling/conformance/subject'
import type postgres from 'postgres'

/** A session of a pool of postgres.js, whatever made it. */
export function sqlSession(sql: postgres.Sql): Session {
  return {
    query: queryOf(sql),
    transaction: async (work) =>
      (await sql.begin(async (sql) => ({ result: await work(queryOf(sql)) }))).result,
    end: () => sql.end(),
  }
}

function queryOf(sql: postgres.Sql | postgres.TransactionSql): Query {
  return async (text, parameters = []) => [
    ...(await sql.unsafe(text, parameters as postgres.ParameterOrJSON<never>[])),
  ]
}
