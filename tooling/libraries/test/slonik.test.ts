import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/slonik.ts'

testConformance(subject)
