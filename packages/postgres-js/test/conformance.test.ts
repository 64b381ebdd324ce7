import { testConformance } from '@alloydb-tooling/conformance'
import { subject as createSql } from './subjects/create-sql.ts'
import { subject as postgresConfig } from './subjects/postgres-config.ts'

testConformance(createSql)
testConformance(postgresConfig)
