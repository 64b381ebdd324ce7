import { AlloyDBDialect } from '@alloydb/kysely'
import { Kysely } from 'kysely'
import { FileMigrationProvider, Migrator, NO_MIGRATIONS } from 'kysely/migration'
import assert from 'node:assert/strict'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import type { Database } from './database.ts'

const schema = 'kysely_example'
const { ALLOYDB_INSTANCE: instance = '' } = process.env

const db = new Kysely<Database>({
  dialect: new AlloyDBDialect({
    instance, // user, password and database come from PGUSER, PGPASSWORD and PGDATABASE
    options: `-c search_path=${schema}`,
  }),
})

try {
  const migrator = new Migrator({
    db,
    provider: new FileMigrationProvider({
      fs,
      path,
      migrationFolder: path.join(import.meta.dirname, 'migrations'),
    }),
    migrationTableSchema: schema, // made where it is missing
  })
  for (const target of [NO_MIGRATIONS, '001-products', '002-orders'] as const) {
    const { error, results = [] } = await migrator.migrateTo(target)
    assert.ifError(error)
    for (const { direction, migrationName, status } of results) console.log(direction, migrationName, status)
  }

  const [lamp, desk] = await db
    .insertInto('products')
    .values([
      { name: 'lamp', price: 30 },
      { name: 'desk', price: 250 },
    ])
    .returningAll()
    .execute()
  assert(lamp && desk)

  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('orders').values({ product_id: lamp.id, count: 3 }).execute()
    await transaction.insertInto('orders').values({ product_id: desk.id, count: 1 }).execute()
  })
  const totals = await db
    .selectFrom('orders')
    .innerJoin('products', 'products.id', 'orders.product_id')
    .select(({ eb }) => ['name', eb('price', '*', eb.ref('count')).as('total')])
    .orderBy('total')
    .execute()
  assert.deepEqual(totals, [
    { name: 'lamp', total: 90 },
    { name: 'desk', total: 250 },
  ])
  console.log('ordered:', totals)
} finally {
  await db.destroy() // the pool and its connector
}
