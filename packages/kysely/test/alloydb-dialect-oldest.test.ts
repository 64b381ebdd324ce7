import { Kysely } from 'kysely'
import { Kysely as OldestKysely } from 'kysely-0.28'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { expect, test, vi } from 'vitest'
import { testAlloyDBDialect } from './alloydb-dialect-suite.ts'
import { startHarness } from './harness.ts'

// What a user has who has installed those versions.
vi.mock('kysely', () => import('kysely-0.28'))
vi.mock('kysely/migration', () => import('kysely-0.28'))
vi.mock('pg', () => import('pg-8.9'))

test('is about Kysely 0.28 and pg 8.9', () => {
  expect(Kysely).toBe(OldestKysely)
  expect(pg.Client).toBe(oldestPg.Client)
})

testAlloyDBDialect(await startHarness('kysely_oldest'))
