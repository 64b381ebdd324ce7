import type { Harness } from '@alloydb-tooling/conformance'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { PrismaAlloyDB } from '../src/index.ts'
import { Prisma, PrismaClient } from '@alloydb-tooling/prisma-client'

/** What Prisma Client does with a database: queries, transactions, and its ways to fail. */
export function testQueries({ instance, login, connector }: Harness): void {
  function open(): PrismaClient {
    const prisma = new PrismaClient({ adapter: new PrismaAlloyDB({ instance, connector, ...login }) })
    onTestFinished(() => prisma.$disconnect())
    return prisma
  }

  beforeEach(async () => {
    const prisma = open()
    await prisma.order.deleteMany()
    await prisma.customer.deleteMany()
  })

  test('nested writes and reads follow relations', async () => {
    const prisma = open()
    const ada = await prisma.customer.create({
      data: { name: 'Ada', orders: { create: [{ item: 'tea' }, { item: 'milk', count: 3 }] } },
    })
    await prisma.customer.update({
      where: { id: ada.id },
      data: {
        orders: {
          update: {
            where: { id: (await prisma.order.findFirstOrThrow({ where: { item: 'tea' } })).id },
            data: { count: 2 },
          },
          deleteMany: { item: 'milk' },
          create: { item: 'sugar' },
        },
      },
    })
    const customers = await prisma.customer.findMany({
      select: { name: true, orders: { select: { item: true, count: true }, orderBy: { item: 'asc' } } },
    })
    expect(customers).toEqual([
      {
        name: 'Ada',
        orders: [
          { item: 'sugar', count: 1 },
          { item: 'tea', count: 2 },
        ],
      },
    ])
    expect(await prisma.order.aggregate({ _sum: { count: true } })).toEqual({ _sum: { count: 3 } })
  })

  test('values of all kinds come back as they were', async () => {
    const prisma = open()
    const values = {
      item: 'tea ☕',
      price: new Prisma.Decimal('12345678901234567890.0123456789'),
      tags: ['hot', '"quoted", with commas'],
      details: { weight: 1.5, from: ['Assam', null] },
      paidAt: new Date('2026-02-28T23:59:59.123Z'),
    }
    const { orders } = await prisma.customer.create({
      data: { name: 'Ada', orders: { create: values } },
      include: { orders: true },
    })
    expect(await prisma.order.findMany()).toEqual(orders)
    expect(orders).toMatchObject([values])
  })

  test('raw queries are templates, and what is put in is no SQL', async () => {
    const prisma = open()
    const name = "Ada'; drop table x"
    expect(await prisma.$executeRaw`insert into "Customer" ("name") values (${name})`).toBe(1)
    expect(await prisma.$queryRaw`select "name" from "Customer" where "name" = ${name}`).toEqual([{ name }])
  })

  describe('an interactive transaction', () => {
    test('is committed', async () => {
      const prisma = open()
      const count = await prisma.$transaction(async (transaction) => {
        await transaction.customer.create({ data: { name: 'Ada' } })
        expect(await prisma.customer.count()).toBe(0) // on another connection
        return transaction.customer.count()
      })
      expect(count).toBe(1)
      expect(await prisma.customer.count()).toBe(1)
    })

    test('is rolled back when it throws, and the error is passed on', async () => {
      const prisma = open()
      const changedMind = new Error('changed my mind')
      const transaction = prisma.$transaction(async (transaction) => {
        await transaction.customer.create({ data: { name: 'Ada' } })
        throw changedMind
      })
      await expect(transaction).rejects.toBe(changedMind)
      expect(await prisma.customer.count()).toBe(0)
    })

    test.each([
      ['ReadCommitted', 'read committed'],
      ['Serializable', 'serializable'],
    ] as const)('has the isolation level %s', async (isolationLevel, name) => {
      const level = await open().$transaction(
        (transaction) => transaction.$queryRaw`select current_setting('transaction_isolation') as level`,
        { isolationLevel },
      )
      expect(level).toEqual([{ level: name }])
    })

    test('that takes too long is rolled back', async () => {
      const prisma = open()
      const transaction = prisma.$transaction(
        async (transaction) => {
          await transaction.customer.create({ data: { name: 'Ada' } })
          await transaction.$queryRaw`select pg_sleep(0.3)::text`
          await transaction.customer.create({ data: { name: 'Grace' } })
        },
        { timeout: 100 },
      )
      await expect(transaction).rejects.toMatchObject({ code: 'P2028' })
      expect(await prisma.customer.count()).toBe(0)
    })
  })

  test('a batch is one transaction', async () => {
    const prisma = open()
    const create = (name: string): Prisma.PrismaPromise<unknown> => prisma.customer.create({ data: { name } })
    const failure = prisma.$transaction([create('Ada'), create('Grace'), create('Ada')])
    await expect(failure).rejects.toMatchObject({ code: 'P2002' })
    expect(await prisma.customer.count()).toBe(0)
    await prisma.$transaction([create('Ada'), create('Grace')])
    expect(await prisma.customer.count()).toBe(2)
  })

  test("errors of PostgreSQL are Prisma's own, with PostgreSQL's in them", async () => {
    const prisma = open()
    const data = { name: 'Ada' }
    await prisma.customer.create({ data })
    await expect(prisma.customer.create({ data })).rejects.toMatchObject({
      name: 'PrismaClientKnownRequestError',
      code: 'P2002',
      meta: { driverAdapterError: { cause: { originalCode: '23505' } } },
    })
    await expect(prisma.$queryRaw`select * from nowhere`).rejects.toMatchObject({
      code: 'P2010',
      message: expect.stringContaining('relation "nowhere" does not exist'),
    })
  })

  test('the schema of the tables can be another', async () => {
    const admin = open()
    await admin.$executeRaw`create schema if not exists elsewhere`
    await admin.$executeRaw`create table if not exists elsewhere."Customer" ("id" serial, "name" text)`
    const prisma = new PrismaClient({
      adapter: new PrismaAlloyDB({ instance, connector, ...login }, { schema: 'elsewhere' }),
    })
    onTestFinished(() => prisma.$disconnect())
    const name = 'Grace'
    await prisma.customer.create({ data: { name } })
    expect(await admin.$queryRaw`select "name" from elsewhere."Customer"`).toEqual([{ name }])
  })
}
