import { drizzle } from '@alloydb/drizzle'
import { asc, DrizzleQueryError, eq, gt } from 'drizzle-orm'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import assert from 'node:assert/strict'
import * as path from 'node:path'
import * as schema from './schema.ts'
import { customers, orders } from './schema.ts'

const { ALLOYDB_INSTANCE: instance = '' } = process.env

// The user, password and database come from PGUSER, PGPASSWORD and PGDATABASE.
const db = drizzle({ connection: { instance }, schema })

try {
  await migrate(db, {
    migrationsFolder: path.join(import.meta.dirname, '../migrations'),
    migrationsSchema: 'drizzle_example_migrations',
  })
  await db.delete(orders) // of an earlier run
  await db.delete(customers)

  const ada = await db.transaction(async (transaction) => {
    const [customer] = await transaction.insert(customers).values({ email: 'ada@example.com' }).returning()
    assert(customer)
    await transaction.insert(orders).values([
      { customerId: customer.id, item: 'lamp', count: 3 },
      { customerId: customer.id, item: 'desk', count: 1 },
    ])
    return customer
  })

  const [found] = await db.query.customers.findMany({
    columns: { email: true },
    with: { orders: { columns: { item: true, count: true }, orderBy: asc(orders.item) } },
  })
  assert.deepEqual(found, {
    email: 'ada@example.com',
    orders: [
      { item: 'desk', count: 1 },
      { item: 'lamp', count: 3 },
    ],
  })
  console.log('found:', found)

  await db.update(orders).set({ count: 2 }).where(eq(orders.item, 'desk'))
  const removed = await db.delete(orders).where(gt(orders.count, 2)).returning({ item: orders.item })
  assert.deepEqual(removed, [{ item: 'lamp' }])
  console.log('removed:', removed)

  await assert.rejects(
    db.insert(customers).values({ email: ada.email }),
    (error) =>
      error instanceof DrizzleQueryError && (error.cause as { code?: string } | undefined)?.code === '23505',
  )
  console.log('refused: a second customer of the same e-mail address')
} finally {
  await db.$client.end() // the pool and its connector
}
