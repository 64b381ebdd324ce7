import { testAlloyDBDialect } from './alloydb-dialect-suite.ts'
import { startHarness } from './harness.ts'

testAlloyDBDialect(await startHarness('kysely_newest'))
