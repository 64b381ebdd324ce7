import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/prisma-alloydb.ts'

testConformance(subject)
