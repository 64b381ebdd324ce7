import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import knex from 'knex'
import assert from 'node:assert/strict'

interface Product {
  id: number
  name: string
  price: number
}

const { ALLOYDB_INSTANCE: instance = '', PGUSER = '', PGPASSWORD = '', PGDATABASE = '' } = process.env

const connector = new Connector()
const database = knex({
  client: 'pg',
  connection: {
    user: PGUSER,
    password: PGPASSWORD,
    database: PGDATABASE,
    ...pgConfig(connector, instance), // all that AlloyDB asks for
  },
  searchPath: ['knex_example'],
  pool: { min: 0, max: 5 },
})

try {
  await database.schema.createSchemaIfNotExists('knex_example')
  await database.schema.dropTableIfExists('products')
  await database.schema.createTable('products', (table) => {
    table.increments('id')
    table.text('name').notNullable().unique()
    table.double('price').notNullable()
  })

  await database<Product>('products').insert([
    { name: 'lamp', price: 30 },
    { name: 'desk', price: 250 },
  ])
  const costly = await database<Product>('products').where('price', '>', 100).select('name', 'price')
  assert.deepEqual(costly, [{ name: 'desk', price: 250 }])
  console.log('found:', costly)

  const failing = database.transaction(async (transaction) => {
    await transaction<Product>('products').where({ name: 'lamp' }).update({ price: 1 })
    await transaction<Product>('products').insert({ name: 'desk', price: 1 })
  })
  await assert.rejects(failing, { code: '23505' })
  const lamp = await database<Product>('products').where({ name: 'lamp' }).first()
  assert.equal(lamp?.price, 30)
  console.log('the transaction with a second desk was rolled back')
} finally {
  await database.destroy()
  await connector.close()
}
