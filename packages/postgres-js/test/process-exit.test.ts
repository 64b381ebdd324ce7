import { startHarness, testProcessExit } from '@alloydb-tooling/conformance'

const { instance } = await startHarness()

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'pools whose end runs out of time, and one that cannot connect',
  'a pool that closes its idle connections',
])
