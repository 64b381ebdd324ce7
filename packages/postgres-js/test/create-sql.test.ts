import { testCreateSql } from './create-sql-suite.ts'
import { startHarness } from '@alloydb-tooling/adapter-testing'

testCreateSql(await startHarness())
