import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import assert from 'node:assert/strict'
import { createPool, sql, UniqueIntegrityConstraintViolationError } from 'slonik'
import { z } from 'zod'
import { createAlloyDBDriver } from './alloydb-driver.ts'

const { ALLOYDB_INSTANCE: instance = '' } = process.env
const product = z.object({ name: z.string(), price: z.number() })

const connector = new Connector()
const pool = await createPool('postgres://', {
  driverFactory: createAlloyDBDriver(pgConfig(connector, instance)), // pg reads PGUSER, PGPASSWORD and PGDATABASE
  maxPoolSize: 5,
})

try {
  await pool.query(sql.unsafe`create schema if not exists slonik_example`)
  await pool.query(sql.unsafe`drop table if exists slonik_example.products`)
  await pool.query(sql.unsafe`
    create table slonik_example.products (name text primary key, price double precision not null)`)

  await pool.query(sql.unsafe`
    insert into slonik_example.products
    select * from ${sql.unnest(
      [
        ['lamp', 30],
        ['desk', 250],
      ],
      ['text', 'float8'],
    )}`)
  const costly = await pool.any(sql.type(product)`
    select name, price from slonik_example.products where price > ${100}`)
  assert.deepEqual(costly, [{ name: 'desk', price: 250 }])
  console.log('found:', costly)

  const failing = pool.transaction(async (transaction) => {
    await transaction.query(sql.unsafe`update slonik_example.products set price = 1 where name = ${'lamp'}`)
    await transaction.query(sql.unsafe`insert into slonik_example.products values (${'desk'}, 1)`)
  })
  await assert.rejects(failing, UniqueIntegrityConstraintViolationError)
  const price = await pool.oneFirst(sql.type(product.pick({ price: true }))`
    select price from slonik_example.products where name = ${'lamp'}`)
  assert.equal(price, 30)
  console.log('the transaction with a second desk was rolled back')

  const streamed: string[] = []
  await pool.stream(
    sql.type(product)`select name, price from slonik_example.products order by name`,
    (stream) => {
      stream.on('data', ({ data }) => streamed.push(data.name))
    },
  )
  assert.deepEqual(streamed, ['desk', 'lamp'])
} finally {
  await pool.end()
  await connector.close()
}
