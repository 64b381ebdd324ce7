import postgres from 'postgres'
import oldestPostgres from 'postgres-3.4.0'
import { expect, test, vi } from 'vitest'
import { testCreateSql } from './create-sql-suite.ts'
import { startHarness } from '@alloydb-tooling/conformance'

// What a user has who has installed that version.
vi.mock('postgres', () => import('postgres-3.4.0'))

test('is about postgres.js 3.4.0', () => {
  expect(postgres).toBe(oldestPostgres)
})

testCreateSql(await startHarness(), { failingReservations: true, lostTransactions: true })
