import { testConformance } from '@alloydb-tooling/conformance'
import { subject as nodePostgres } from './subjects/node-postgres.ts'
import { subject as postgresJs } from './subjects/postgres-js.ts'

testConformance(nodePostgres)
testConformance(postgresJs)
