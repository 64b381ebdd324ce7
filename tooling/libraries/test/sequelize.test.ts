import { testConformance } from '@alloydb-tooling/conformance'
import { subject } from './subjects/sequelize.ts'

testConformance(subject)
