import { testCreateSql } from './create-sql-suite.ts'
import { startHarness } from './harness.ts'

testCreateSql(await startHarness())
