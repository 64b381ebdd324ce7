import { startHarness, testProcessExit } from '@alloydb-tooling/conformance'

const { instance } = await startHarness()

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'a pool that is ended',
  'a pool that is ended while it dials',
  'a pool whose end runs out of time',
  'a pool whose end runs out of time while it dials',
  'a pool that cannot connect',
  'a pool that closes its idle connections',
])
