// Type-checked with drizzle-orm 1.0; never run.
import { nodePgCodecs } from 'drizzle-orm/node-postgres'
import { drizzle, type AlloyDBDatabase } from '../../src/index.ts'
import { drizzle as drizzleOnPostgresJs } from '../../src/postgres-js.ts'
import * as schema from '../schema.ts'
import { relations } from './relations.ts'

const connection = { instance: 'projects/p/locations/r/clusters/c/instances/i' }

const db: AlloyDBDatabase<typeof relations> = drizzle({ connection, relations })
const [customer] = await db.query.customers.findMany({
  where: { name: { like: 'A%' } },
  with: { orders: { columns: { item: true } } },
})
export const items: { item: string }[] | undefined = customer?.orders
const order = await drizzleOnPostgresJs({ connection, relations }).query.orders.findFirst({
  with: { customer: true },
})
export const name: string | undefined = order?.customer?.name
drizzle({ connection, relations, jit: true, paramsInErrors: true, codecs: nodePgCodecs, logger: undefined })

// @ts-expect-error there is no such table
void db.query.products
// @ts-expect-error there is no such relation
db.query.customers.findMany({ with: { products: true } })
// @ts-expect-error without relations, there are no relational queries
drizzle({ connection }).query.customers.findMany()
// @ts-expect-error that is for drizzle-orm 0.45
drizzle({ connection, schema })
