import { testCreateClient } from './create-client-suite.ts'
import { testCreatePool } from './create-pool-suite.ts'
import { startHarness } from '@alloydb-tooling/conformance'

const harness = await startHarness()
testCreatePool(harness)
testCreateClient(harness)
