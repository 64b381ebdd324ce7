import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/mikro-orm.ts'

testConformance(subject)
