import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/alloydb-dialect.ts'

testConformance(subject)
