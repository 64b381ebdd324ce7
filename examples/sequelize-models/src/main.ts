import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import assert from 'node:assert/strict'
import {
  DataTypes,
  Op,
  Sequelize,
  UniqueConstraintError,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
} from 'sequelize'

interface Product extends Model<InferAttributes<Product>, InferCreationAttributes<Product>> {
  id: CreationOptional<number>
  name: string
  price: number
}

const { ALLOYDB_INSTANCE: instance = '', PGUSER = '', PGPASSWORD = '', PGDATABASE = '' } = process.env

const connector = new Connector()
const sequelize = new Sequelize({
  dialect: 'postgres',
  username: PGUSER,
  password: PGPASSWORD,
  database: PGDATABASE,
  dialectOptions: pgConfig(connector, instance), // all that AlloyDB asks for
  schema: 'sequelize_example',
  logging: false,
})

const Products = sequelize.define<Product>('product', {
  id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
  name: { type: DataTypes.TEXT, allowNull: false, unique: true },
  price: { type: DataTypes.DOUBLE, allowNull: false },
})

try {
  await sequelize.query('create schema if not exists sequelize_example')
  await sequelize.sync({ force: true })

  await Products.bulkCreate([
    { name: 'lamp', price: 30 },
    { name: 'desk', price: 250 },
  ])
  const costly = await Products.findAll({ where: { price: { [Op.gt]: 100 } } })
  assert.deepEqual(
    costly.map(({ name }) => name),
    ['desk'],
  )
  console.log(
    'found:',
    costly.map((product) => product.toJSON()),
  )

  const failing = sequelize.transaction(async (transaction) => {
    await Products.update({ price: 1 }, { where: { name: 'lamp' }, transaction })
    await Products.create({ name: 'desk', price: 1 }, { transaction })
  })
  await assert.rejects(failing, UniqueConstraintError)
  const lamp = await Products.findOne({ where: { name: 'lamp' } })
  assert.equal(lamp?.price, 30)
  console.log('the transaction with a second desk was rolled back')
} finally {
  await sequelize.close()
  await connector.close()
}
