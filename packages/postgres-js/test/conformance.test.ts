import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/create-sql.ts'

testConformance(subject)
