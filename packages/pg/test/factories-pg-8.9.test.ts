import pg from 'pg'
import oldestPg from 'pg-8.9'
import { expect, test, vi } from 'vitest'
import { testCreateClient } from './create-client-suite.ts'
import { testCreatePool } from './create-pool-suite.ts'
import { startHarness } from '@alloydb-tooling/conformance'

// What a user has who has installed that version.
vi.mock('pg', () => import('pg-8.9'))

test('is about pg 8.9', () => {
  expect(pg.Client).toBe(oldestPg.Client)
})

const harness = await startHarness()
testCreatePool(harness)
testCreateClient(harness)
