import { createSql, type AlloyDBSqlConfig } from '@alloydb/postgres-js'
import type { DrizzleConfig } from 'drizzle-orm'
import { drizzle as drizzleOnClient, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import { splitConfig, type AnySchema, type NoSchema } from './drizzle-config.ts'

/** What drizzle-orm's own `drizzle()` takes beside its connection, but the schema. */
type DriverConfig = Omit<NonNullable<Parameters<typeof drizzleOnClient.mock>[0]>, keyof DrizzleConfig>

/** The config of {@link drizzle}: drizzle-orm's own, with an AlloyDB connection. */
export type AlloyDBDrizzleConfig<Schema extends AnySchema = NoSchema> = DrizzleConfig<Schema> &
  DriverConfig & {
    /** The pool to make: an instance, a connector or its options, and what postgres.js takes. */
    connection: AlloyDBSqlConfig<Record<string, postgres.PostgresType>>
  }

/** What {@link drizzle} gives: drizzle-orm's own database on postgres.js, and its `sql`. */
export type AlloyDBDatabase<Schema extends AnySchema = NoSchema> = PostgresJsDatabase<Schema> & {
  $client: postgres.Sql
}

/**
 * Makes a Drizzle database on an AlloyDB instance: that of `drizzle-orm/postgres-js`, on an `sql` of
 * `@alloydb/postgres-js`. Does no I/O before the first query.
 *
 * `db.$client.end()` ends the connections, and closes the connector unless that is shared.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function drizzle<Schema extends AnySchema = NoSchema>(
  config: AlloyDBDrizzleConfig<Schema>,
): AlloyDBDatabase<Schema> {
  const { connection, drizzleConfig } = splitConfig(config, 'createSql() of @alloydb/postgres-js')
  return drizzleOnClient<Schema>({ ...drizzleConfig, client: createSql(connection) })
}
