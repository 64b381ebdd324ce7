import { startHarness, testProcessExit } from '@alloydb-tooling/conformance'

const { instance } = await startHarness()

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'a pool that lets the process end',
  'a client that is ended',
  'a client that cannot log in',
])
