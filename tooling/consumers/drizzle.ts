// What a user of @alloydb/drizzle may write; tooling/scripts/check-packages.ts type-checks it against the installed package.
import { drizzle, type AlloyDBDatabase, type AlloyDBDrizzleConfig } from '@alloydb/drizzle'
import { drizzle as drizzleOnPostgresJs } from '@alloydb/drizzle/postgres-js'
import { eq } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { pgTable, serial, text, withReplicas } from 'drizzle-orm/pg-core'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type pg from 'pg'
import type postgres from 'postgres'

const orders = pgTable('orders', { id: serial().primaryKey(), item: text().notNull() })
const schema = { orders }

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const connection: AlloyDBDrizzleConfig['connection'] = { instance, user: 'app', password: undefined, max: 5 }

export async function query(): Promise<string | undefined> {
  const db: AlloyDBDatabase<typeof schema> = drizzle({ connection, schema, logger: true })
  await migrate(db, { migrationsFolder: 'drizzle' })
  const [order] = await db.select({ item: orders.item }).from(orders).where(eq(orders.id, 1))
  const same = await db.query.orders.findFirst({ columns: { item: true } })
  await db.$client.end()
  return order?.item ?? same?.item
}

export const onNodePostgres: NodePgDatabase & { $client: pg.Pool } = drizzle({
  connection: { instance, database: 'shop', authType: 'IAM', ipType: 'psc' },
})

export const onPostgresJs: PostgresJsDatabase<typeof schema> & { $client: postgres.Sql } =
  drizzleOnPostgresJs({
    connection: { instance, database: 'shop', authType: 'IAM', prepare: false },
    schema,
  })

export function share(
  connector: NonNullable<AlloyDBDrizzleConfig['connection']['connector']>,
): AlloyDBDatabase {
  const readers = drizzle({ connection: { connector, instance, user: 'app' } })
  return withReplicas(drizzle({ connection: { connector, instance, user: 'app' } }), [readers])
}

// @ts-expect-error where to connect is the instance's to say
drizzle({ connection: { instance, host: 'localhost' } })

// @ts-expect-error as above
drizzleOnPostgresJs({ connection: 'postgres://localhost' })
