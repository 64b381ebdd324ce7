import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as oldestDrizzle } from 'drizzle-orm-0.45.1/node-postgres'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import postgres from 'postgres'
import oldestPostgres from 'postgres-3.4.0'
import { expect, test, vi } from 'vitest'
import { testDrizzle } from './alloydb-drizzle-suite.ts'
import { startDrizzleHarness } from './harness.ts'
import { subjectsOf } from './entry-points.ts'
import { version045 } from './version-0.45.ts'

// What a user has who has installed those versions. drizzle-orm itself imports a newer pg here: two copies of it work
// together, which they do not with 0.45.0, whose transactions then silently are none.
vi.mock('drizzle-orm', () => import('drizzle-orm-0.45.1'))
vi.mock('drizzle-orm/pg-core', () => import('drizzle-orm-0.45.1/pg-core'))
vi.mock('drizzle-orm/node-postgres', () => import('drizzle-orm-0.45.1/node-postgres'))
vi.mock('drizzle-orm/node-postgres/migrator', () => import('drizzle-orm-0.45.1/node-postgres/migrator'))
vi.mock('drizzle-orm/postgres-js', () => import('drizzle-orm-0.45.1/postgres-js'))
vi.mock('drizzle-orm/postgres-js/migrator', () => import('drizzle-orm-0.45.1/postgres-js/migrator'))
vi.mock('pg', () => import('pg-8.9'))
vi.mock('postgres', () => import('postgres-3.4.0'))

test('is about drizzle-orm 0.45.1, pg 8.9 and postgres.js 3.4.0', () => {
  expect(drizzle).toBe(oldestDrizzle)
  expect(pg.Client).toBe(oldestPg.Client)
  expect(postgres).toBe(oldestPostgres)
})

testDrizzle(await startDrizzleHarness(), subjectsOf(version045('drizzle_oldest')))
