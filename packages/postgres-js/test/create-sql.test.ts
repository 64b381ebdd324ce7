import { testCreateSql } from './create-sql-suite.ts'
import { startHarness } from '@alloydb-tooling/conformance'

testCreateSql(await startHarness())
