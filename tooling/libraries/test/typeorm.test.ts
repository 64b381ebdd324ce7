import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/typeorm.ts'

testConformance(subject)
