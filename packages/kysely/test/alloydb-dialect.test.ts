import { testAbort } from './abort-suite.ts'
import { testAlloyDBDialect } from './alloydb-dialect-suite.ts'
import { startHarness } from './harness.ts'

const harness = await startHarness('kysely_newest')
testAlloyDBDialect(harness)
testAbort(harness)
