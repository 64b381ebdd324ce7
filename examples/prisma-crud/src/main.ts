import { PrismaAlloyDB } from '@alloydb/prisma'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { Prisma, PrismaClient } from './generated/prisma/client.ts'

const { ALLOYDB_INSTANCE: instance = '' } = process.env

const prisma = new PrismaClient({
  // User, password and database come from PGUSER, PGPASSWORD and PGDATABASE.
  adapter: new PrismaAlloyDB({ instance }, { schema: 'prisma_example' }),
})

try {
  const tables = new URL('../prisma/tables.sql', import.meta.url)
  await prisma.$executeRawUnsafe(await readFile(tables, 'utf8'))

  // Nested writes: a customer with orders.
  const ada = await prisma.customer.create({
    data: { name: 'Ada', orders: { create: [{ item: 'lamp' }, { item: 'desk', count: 2 }] } },
    include: { orders: true },
  })
  console.log(`${ada.name} ordered: ${ada.orders.map(({ item }) => item).join(', ')}`)

  // Update, delete, find.
  await prisma.order.updateMany({ where: { item: 'lamp' }, data: { count: { increment: 2 } } })
  await prisma.order.deleteMany({ where: { item: 'desk' } })
  const orders = await prisma.order.findMany({ select: { item: true, count: true, customer: true } })
  assert.deepEqual(orders, [{ item: 'lamp', count: 3, customer: { id: ada.id, name: 'Ada' } }])
  console.log('left:', orders[0])

  // An interactive transaction goes by what it reads; if it throws, nothing of it stays.
  const tooMany = prisma.$transaction(
    async (transaction) => {
      await transaction.order.create({ data: { item: 'chair', count: 4, customerId: ada.id } })
      const { _sum: sum } = await transaction.order.aggregate({ _sum: { count: true } })
      if ((sum.count ?? 0) > 5) throw new Error('Too many things for one room.')
    },
    { isolationLevel: 'Serializable' },
  )
  await assert.rejects(tooMany, { message: 'Too many things for one room.' })
  assert.equal(await prisma.order.count(), 1)
  console.log('rolled back: 4 chairs')

  // Errors of PostgreSQL are Prisma's own.
  await assert.rejects(prisma.customer.create({ data: { name: 'Ada' } }), (error) => {
    assert(error instanceof Prisma.PrismaClientKnownRequestError)
    console.log(`refused: a second Ada (${error.code})`)
    return error.code === 'P2002'
  })
} finally {
  await prisma.$disconnect() // the pool and its connector
}
