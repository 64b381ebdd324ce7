import { startHarness } from './harness.ts'
import { testPrismaAlloyDB } from './prisma-alloydb-suite.ts'
import { testQueries } from './queries-suite.ts'

const harness = await startHarness('prisma_newest')
testPrismaAlloyDB(harness)
testQueries(harness)
