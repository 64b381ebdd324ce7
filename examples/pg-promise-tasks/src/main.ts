import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import assert from 'node:assert/strict'
import createPgPromise from 'pg-promise'

interface Product {
  name: string
  price: number
}

const { ALLOYDB_INSTANCE: instance = '' } = process.env

const connector = new Connector()
const pgp = createPgPromise({ schema: 'promise_example' })
const db = pgp({
  // pg reads the user, the password and the database from PGUSER, PGPASSWORD and PGDATABASE.
  ...pgConfig(connector, instance), // all that AlloyDB asks for
  max: 5,
})

try {
  await db.none(`
    create schema if not exists promise_example;
    drop table if exists promise_example.products;
    create table promise_example.products (name text primary key, price double precision not null)`)

  // A task: several queries on one connection.
  const costly = await db.task(async (task) => {
    const rows: Product[] = [
      { name: 'lamp', price: 30 },
      { name: 'desk', price: 250 },
    ]
    await task.none(pgp.helpers.insert(rows, ['name', 'price'], 'products'))
    return task.any<Product>('select name, price from products where price > $<price>', { price: 100 })
  })
  assert.deepEqual(costly, [{ name: 'desk', price: 250 }])
  console.log('found:', costly)

  const failing = db.tx(async (transaction) => {
    await transaction.none('update products set price = 1 where name = $1', ['lamp'])
    await transaction.none('insert into products values ($1, $2)', ['desk', 1])
  })
  await assert.rejects(failing, { code: '23505' })
  const lamp = await db.one<Product>('select name, price from products where name = $1', ['lamp'])
  assert.equal(lamp.price, 30)
  console.log('the transaction with a second desk was rolled back')
} finally {
  await db.$pool.end()
  await connector.close()
}
