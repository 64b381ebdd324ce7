import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import assert from 'node:assert/strict'
import { DataSource, MoreThan, QueryFailedError } from 'typeorm'
import { productEntity, tagEntity } from './product.ts'

const { ALLOYDB_INSTANCE: instance = '', PGUSER = '', PGPASSWORD = '', PGDATABASE = '' } = process.env

const connector = new Connector()
const dataSource = new DataSource({
  type: 'postgres',
  username: PGUSER,
  password: PGPASSWORD,
  database: PGDATABASE,
  extra: { ...pgConfig(connector, instance), max: 5 }, // all that AlloyDB asks for
  schema: 'typeorm_example',
  entities: [productEntity, tagEntity],
  poolErrorHandler: (error) => console.warn('an idle connection ended:', error),
})

await dataSource.initialize()
try {
  await dataSource.query('create schema if not exists typeorm_example')
  await dataSource.synchronize(true) // in production: migrations
  const products = dataSource.getRepository(productEntity)

  await products.save([
    { name: 'lamp', price: 30, tags: [{ name: 'home' }, { name: 'light' }] },
    { name: 'desk', price: 250, tags: [{ name: 'office' }] },
  ])
  const costly = await products.find({ where: { price: MoreThan(100) }, relations: { tags: true } })
  assert.deepEqual(
    costly.map(({ name, tags }) => [name, tags.map((tag) => tag.name)]),
    [['desk', ['office']]],
  )
  console.log('found:', costly)

  const failing = dataSource.transaction(async (manager) => {
    await manager.getRepository(productEntity).update({ name: 'lamp' }, { price: 1 })
    await manager.getRepository(productEntity).insert({ name: 'desk', price: 1 })
  })
  await assert.rejects(failing, QueryFailedError)
  const lamp = await products.findOneByOrFail({ name: 'lamp' })
  assert.equal(lamp.price, 30)
  console.log('the transaction with a second desk was rolled back')
} finally {
  await dataSource.destroy()
  await connector.close()
}
