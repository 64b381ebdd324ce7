import { createPool, type AlloyDBPoolConfig } from '@alloydb/pg'
import { ignoreClientErrors } from '@alloydb/pg/adapter'
import type { DrizzleConfig } from 'drizzle-orm'
import { drizzle as drizzleOnClient, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { splitConfig, type AnySchema, type NoSchema } from './drizzle-config.ts'

/** What drizzle-orm's own `drizzle()` takes beside its connection, but the schema. */
type DriverConfig = Omit<NonNullable<Parameters<typeof drizzleOnClient.mock>[0]>, keyof DrizzleConfig>

/** The config of {@link drizzle}: drizzle-orm's own, with an AlloyDB connection. */
export type AlloyDBDrizzleConfig<Schema extends AnySchema = NoSchema> = DrizzleConfig<Schema> &
  DriverConfig & {
    /** The pool to make: an instance, a connector or its options, and what pg.Pool takes. */
    connection: AlloyDBPoolConfig
  }

/** What {@link drizzle} gives: drizzle-orm's own database on node-postgres, and its pool. */
export type AlloyDBDatabase<Schema extends AnySchema = NoSchema> = NodePgDatabase<Schema> & {
  $client: pg.Pool
}

/**
 * Makes a Drizzle database on an AlloyDB instance: that of `drizzle-orm/node-postgres`, on a pool of `@alloydb/pg`. Does
 * no I/O before the first query.
 *
 * `db.$client.end()` ends the pool, and closes the connector unless that is shared. The end of a connection never ends the
 * process: a query under way fails, and the pool replaces the connection.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function drizzle<Schema extends AnySchema = NoSchema>(
  config: AlloyDBDrizzleConfig<Schema>,
): AlloyDBDatabase<Schema> {
  const { connection, drizzleConfig } = splitConfig(config, 'createPool() of @alloydb/pg')
  const client = ignoreClientErrors(createPool(connection))
  return drizzleOnClient<Schema, pg.Pool>({ ...drizzleConfig, client })
}
