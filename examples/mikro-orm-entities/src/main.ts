import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import { MikroORM, UniqueConstraintViolationException } from '@mikro-orm/postgresql'
import assert from 'node:assert/strict'
import { Product, Tag } from './product.ts'

const { ALLOYDB_INSTANCE: instance = '', PGUSER = '', PGPASSWORD = '', PGDATABASE = '' } = process.env

const connector = new Connector()
const orm = await MikroORM.init({
  user: PGUSER,
  password: PGPASSWORD,
  dbName: PGDATABASE,
  driverOptions: pgConfig(connector, instance), // all that AlloyDB asks for
  schema: 'mikro_orm_example',
  entities: [Product, Tag],
})

try {
  await orm.schema.createNamespace('mikro_orm_example')
  await orm.schema.refresh() // in production: migrations

  const em = orm.em.fork()
  const office = em.create(Tag, { name: 'office' })
  em.create(Product, { name: 'lamp', price: 30, tags: [office] })
  em.create(Product, { name: 'desk', price: 250, tags: [office] })
  await em.flush() // all inserts, in one transaction

  const costly = await orm.em.fork().find(Product, { price: { $gt: 100 } }, { populate: ['tags'] })
  assert.deepEqual(
    costly.map(({ name, tags }) => [name, tags.getIdentifiers()]),
    [['desk', ['office']]],
  )
  console.log(
    'found:',
    costly.map(({ name, price }) => ({ name, price })),
  )

  const failing = orm.em.fork().transactional(async (em) => {
    const lamp = await em.findOneOrFail(Product, { name: 'lamp' })
    lamp.price = 1
    em.create(Product, { name: 'desk', price: 1 })
  })
  await assert.rejects(failing, UniqueConstraintViolationException)
  const lamp = await orm.em.fork().findOneOrFail(Product, { name: 'lamp' })
  assert.equal(lamp.price, 30)
  console.log('the transaction with a second desk was rolled back')
} finally {
  await orm.close()
  await connector.close()
}
