import { testProcessExit } from '@alloydb-tooling/conformance'
import { startHarness } from './harness.ts'

const { instance } = await startHarness('kysely_exit')

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'a Kysely that is never used',
  'a Kysely that is destroyed',
  'a Kysely that is destroyed while it dials',
])
