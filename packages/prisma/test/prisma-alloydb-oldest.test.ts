import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaPg as OldestPrismaPg } from '@prisma/adapter-pg-7.0'
import { expect, test, vi } from 'vitest'
import { startHarness } from './harness.ts'
import { testPrismaAlloyDB } from './prisma-alloydb-suite.ts'

// What a user has who has installed that version.
vi.mock('@prisma/adapter-pg', () => import('@prisma/adapter-pg-7.0'))

test('is about @prisma/adapter-pg 7.0', () => {
  expect(PrismaPg).toBe(OldestPrismaPg)
})

testPrismaAlloyDB(await startHarness('prisma_oldest'))
