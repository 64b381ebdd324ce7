// Type-checked with the versions 0.45 of drizzle-orm; never run.
import { drizzle, type AlloyDBDatabase } from '../src/index.ts'
import { drizzle as drizzleOnPostgresJs } from '../src/postgres-js.ts'
import * as relations from './relations.ts'
import * as tables from './schema.ts'

const schema = { ...tables, ...relations }
const connection = { instance: 'projects/p/locations/r/clusters/c/instances/i' }

const db: AlloyDBDatabase<typeof schema> = drizzle({ connection, schema, casing: 'snake_case' })
const [customer] = await db.query.customers.findMany({ with: { orders: { columns: { item: true } } } })
export const items: { item: string }[] | undefined = customer?.orders
const order = await drizzleOnPostgresJs({ connection, schema }).query.orders.findFirst({
  with: { customer: true },
})
export const name: string | undefined = order?.customer?.name

// @ts-expect-error there is no such table
void db.query.products
// @ts-expect-error there is no such relation
db.query.customers.findMany({ with: { products: true } })
// @ts-expect-error without a schema, there are no relational queries
drizzle({ connection }).query.customers.findMany()
// @ts-expect-error there is no such casing
drizzle({ connection, casing: 'kebab-case' })
// @ts-expect-error that is for drizzle-orm 1.0
drizzle({ connection, relations })
