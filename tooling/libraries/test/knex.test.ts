import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/knex.ts'

testConformance(subject)
