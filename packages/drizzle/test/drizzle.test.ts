import { testDrizzle } from './alloydb-drizzle-suite.ts'
import { startDrizzleHarness } from './harness.ts'
import { subjectsOf } from './entry-points.ts'
import { version045 } from './version-0.45.ts'

testDrizzle(await startDrizzleHarness(), subjectsOf(version045('drizzle_0_45')))
