// Type-checked with each version of Kysely; never run.
import type { Dialer } from '@alloydb/core'
import { CompiledQuery, Kysely, type Dialect, type Generated } from 'kysely'
import type pg from 'pg'
import Cursor from 'pg-cursor'
import { AlloyDBDialect, type AlloyDBDialectConfig } from '../src/index.ts'

interface Database {
  orders: { id: Generated<number>; item: string; paid_at: Date | null }
}

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const dialect: Dialect = new AlloyDBDialect({ instance, user: 'app', password: 'secret', database: 'shop' })
const db = new Kysely<Database>({ dialect })

const rows: { id: number; paid_at: Date | null }[] = await db
  .selectFrom('orders')
  .select(['id', 'paid_at'])
  .where('item', '=', 'tea')
  .execute()
// @ts-expect-error a column that was not selected
export const item: unknown = rows[0]?.item
// @ts-expect-error there is no such column
db.selectFrom('orders').select('price')
// @ts-expect-error a column's type
db.selectFrom('orders').selectAll().where('id', '=', 'one')
// @ts-expect-error there is no such table
db.insertInto('customers')
// @ts-expect-error a column that has no default
db.insertInto('orders').values({ paid_at: null })

// What pg.Pool takes, what a connector takes, and what Kysely's PostgresDialect takes.
new AlloyDBDialect({ instance, max: 5, idleTimeoutMillis: 1_000, application_name: 'shop' })
new AlloyDBDialect({ instance, authType: 'IAM', ipType: 'psc', refreshStrategy: 'lazy' })
new AlloyDBDialect({ instance, password: async () => 'secret' })
new AlloyDBDialect({ instance, connectionString: 'postgres://app:secret@/shop' })
new AlloyDBDialect({
  instance,
  cursor: Cursor,
  onCreateConnection: async (connection) =>
    void (await connection.executeQuery(CompiledQuery.raw('set role shop'))),
  onReserveConnection: async () => {},
})
export const share = (connector: Dialer, Client: NonNullable<pg.PoolConfig['Client']>): Dialect =>
  new AlloyDBDialect({ connector, instance, Client })

// Whatever may be undefined may be given so: settings often come from the environment.
export const config: AlloyDBDialectConfig = {
  instance,
  user: process.env['DB_USER'],
  password: process.env['DB_PASSWORD'],
  connector: undefined,
  cursor: undefined,
  onCreateConnection: undefined,
  onReserveConnection: undefined,
}

// @ts-expect-error there is no default instance
new AlloyDBDialect({ user: 'app' })
// @ts-expect-error where to connect is the instance's to say
new AlloyDBDialect({ instance, host: 'localhost' })
// @ts-expect-error the dialect makes its own pool
new AlloyDBDialect({ instance, pool: {} as pg.Pool })
// @ts-expect-error there is no such IP type
new AlloyDBDialect({ instance, ipType: 'LOCAL' })
