import type { Query } from '@alloydb-tooling/conformance/subject'
import { sql, type SQL } from 'drizzle-orm'

/** What runs raw SQL, on either driver: a database or a transaction. */
interface Executor {
  execute(query: SQL): PromiseLike<unknown>
}

/** Runs plain SQL by Drizzle, and gives plain rows. */
export function queryOf(executor: Executor): Query {
  return async (text, parameters = []) => {
    const result = await executor.execute(toSql(text, parameters))
    return Array.isArray(result) ? [...(result as unknown[])] : (result as { rows: unknown[] }).rows
  }
}

/** Makes Drizzle's form of SQL: `$1` becomes a parameter of it. */
function toSql(text: string, parameters: readonly unknown[]): SQL {
  const parts = text.split(/\$(\d+)/)
  return sql.join(
    parts.map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql.param(parameters[Number(part) - 1]))),
  )
}
