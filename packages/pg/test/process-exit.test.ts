import { startHarness, testProcessExit } from '@alloydb-tooling/conformance'

const { instance } = await startHarness()

const program = new URL('programs/query-and-exit.ts', import.meta.url)
const ways = ['clients that are ended, or could not log in, and a pool that lets it end']
testProcessExit(program, instance, ways)
testProcessExit(program, instance, ways, { pg: 'pg-8.9' })
