import { testProcessExit } from '@alloydb-tooling/conformance'
import { startHarness } from './harness.ts'

const { instance } = await startHarness('prisma_exit')

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'a Prisma Client that is never used',
  'a Prisma Client that is disconnected',
  'a Prisma Client that is disconnected while it dials',
])
