import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/pg-promise.ts'

testConformance(subject)
