import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzle10 } from 'drizzle-orm-1.0/node-postgres'
import { expect, test, vi } from 'vitest'
import { testDrizzle } from '../alloydb-drizzle-suite.ts'
import { startDrizzleHarness } from '../harness.ts'
import { subjectsOf, type Version } from '../entry-points.ts'
import { relations } from './relations.ts'

// What a user has who has installed that version.
vi.mock('drizzle-orm', () => import('drizzle-orm-1.0'))
vi.mock('drizzle-orm/pg-core', () => import('drizzle-orm-1.0/pg-core'))
vi.mock('drizzle-orm/node-postgres', () => import('drizzle-orm-1.0/node-postgres'))
vi.mock('drizzle-orm/node-postgres/migrator', () => import('drizzle-orm-1.0/node-postgres/migrator'))
vi.mock('drizzle-orm/postgres-js', () => import('drizzle-orm-1.0/postgres-js'))
vi.mock('drizzle-orm/postgres-js/migrator', () => import('drizzle-orm-1.0/postgres-js/migrator'))

test('is about the release candidate of drizzle-orm 1.0', () => {
  expect(drizzle).toBe(drizzle10)
})

const version: Version = {
  name: 'drizzle_1_0',
  migrations: new URL('migrations', import.meta.url),
  async findCustomersWithOrders(open, connection) {
    const db = open({ connection, relations })
    try {
      return await db.query.customers.findMany({
        columns: { name: true },
        with: { orders: { columns: { item: true } } },
      })
    } finally {
      await db.$client.end()
    }
  },
}

testDrizzle(await startDrizzleHarness(), subjectsOf(version))
