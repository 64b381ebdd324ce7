import { startHarness, testProcessExit } from '@alloydb-tooling/conformance'

const { instance } = await startHarness()

testProcessExit(new URL('programs/query-and-exit.ts', import.meta.url), instance, [
  'databases that are never used',
  'a database on node-postgres that is ended',
  'a database on postgres.js that is ended',
])
