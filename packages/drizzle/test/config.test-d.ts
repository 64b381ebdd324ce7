// Type-checked with each version of drizzle-orm; never run.
import type { Dialer } from '@alloydb/core'
import { sql, type Logger } from 'drizzle-orm'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { withReplicas, type PgTransactionConfig } from 'drizzle-orm/pg-core'
import { migrate as migrateOnPostgresJs } from 'drizzle-orm/postgres-js/migrator'
import type pg from 'pg'
import type postgres from 'postgres'
import { drizzle, type AlloyDBDatabase, type AlloyDBDrizzleConfig } from '../src/index.ts'
import { drizzle as drizzleOnPostgresJs } from '../src/postgres-js.ts'
import { orders } from './schema.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const login = { user: 'app', password: 'secret', database: 'shop' }

const db: AlloyDBDatabase = drizzle({ connection: { instance, ...login } })
const pool: pg.Pool = db.$client
await pool.end()
const onPostgresJs = drizzleOnPostgresJs({ connection: { instance, ...login } })
const client: postgres.Sql = onPostgresJs.$client
await client.end({ timeout: 5 })

const rows: { id: number; item: string; tags: string[] | null; paidAt: Date | null }[] = await db
  .select()
  .from(orders)
const [row]: { id: number }[] = await onPostgresJs.select({ id: orders.id }).from(orders)
// @ts-expect-error a column that was not selected
export const unknownColumn: unknown = row?.item
export const item: string | undefined = rows[0]?.item
// @ts-expect-error a column that has no default
db.insert(orders).values({ tags: [] })
// @ts-expect-error a column's type
onPostgresJs.insert(orders).values({ item: 1 })

const result: pg.QueryResult<{ one: number }> = await db.execute<{ one: number }>(sql`select 1 as one`)
const list: postgres.RowList<{ one: number }[]> = await onPostgresJs.execute<{ one: number }>(
  sql`select 1 as one`,
)
export const ones: (number | undefined)[] = [result.rows[0]?.one, list[0]?.one]

// What drizzle-orm does with its own databases, it does with these.
await migrate(db, { migrationsFolder: 'drizzle' })
await migrateOnPostgresJs(onPostgresJs, { migrationsFolder: 'drizzle' })
await withReplicas(db, [db]).$primary.$client.end()
await withReplicas(onPostgresJs, [onPostgresJs]).select().from(orders)
const isolation: PgTransactionConfig = { isolationLevel: 'serializable' }
export const ids: { id: number }[] = await db.transaction(
  (transaction) => transaction.select({ id: orders.id }).from(orders),
  isolation,
)

// What drizzle-orm takes, what the driver takes, and what a connector takes.
const logger: Logger = { logQuery: () => {} }
drizzle({ connection: { instance, max: 5, application_name: 'shop' }, logger: true })
drizzle({ connection: { instance, authType: 'IAM', ipType: 'psc', refreshStrategy: 'lazy' }, logger })
drizzle({ connection: { instance, password: async () => 'secret' } })
drizzleOnPostgresJs({ connection: { instance, max: 5, prepare: false, onnotice: () => {} }, logger: true })
drizzleOnPostgresJs({ connection: { instance, authType: 'IAM', ipType: 'psc' }, logger })
export const share = (connector: Dialer): unknown[] => [
  drizzle({ connection: { connector, instance, ...login } }),
  drizzleOnPostgresJs({ connection: { connector, instance, ...login } }),
]

// Whatever of the connection may be undefined may be given so: settings often come from the environment.
export const config: AlloyDBDrizzleConfig = {
  connection: {
    instance,
    user: process.env['DB_USER'],
    password: process.env['DB_PASSWORD'],
    connector: undefined,
  },
}

// @ts-expect-error there is no default instance
drizzle({ connection: login })
// @ts-expect-error as above
drizzleOnPostgresJs({ connection: login })
// @ts-expect-error the connection has a place of its own
drizzle({ instance, ...login })
// @ts-expect-error as above
drizzleOnPostgresJs({ instance, ...login })
// @ts-expect-error where to connect is the instance's to say
drizzle({ connection: { instance, host: 'localhost' } })
// @ts-expect-error as above
drizzleOnPostgresJs({ connection: { instance, host: 'localhost' } })
// @ts-expect-error as above
drizzle({ connection: 'postgres://localhost' })
// @ts-expect-error as above
drizzleOnPostgresJs({ connection: 'postgres://localhost' })
// @ts-expect-error as above
drizzle('postgres://localhost')
// @ts-expect-error as above
drizzleOnPostgresJs({ connection: { instance, url: 'postgres://localhost' } })
// @ts-expect-error a client of one's own is for drizzle-orm's own drizzle()
drizzle({ client: pool })
// @ts-expect-error as above
drizzleOnPostgresJs({ client })
// @ts-expect-error there is no such option
drizzle({ connection: { instance }, colour: 'red' })
