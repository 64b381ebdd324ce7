import { Kysely } from 'kysely'
import { Kysely as OldestKysely } from 'kysely-0.28'
import { expect, test, vi } from 'vitest'
import { testAlloyDBDialect } from './alloydb-dialect-suite.ts'
import { startHarness } from './harness.ts'

// What a user has who has installed that version.
vi.mock('kysely', () => import('kysely-0.28'))
vi.mock('kysely/migration', () => import('kysely-0.28'))

test('is about Kysely 0.28', () => {
  expect(Kysely).toBe(OldestKysely)
})

testAlloyDBDialect(await startHarness('kysely_oldest'))
