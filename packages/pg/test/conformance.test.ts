import { testConformance } from '@alloydb-tooling/conformance'
import { subject as createPool } from './subjects/create-pool.ts'
import { subject as pgConfig } from './subjects/pg-config.ts'

testConformance(createPool)
testConformance(pgConfig)
