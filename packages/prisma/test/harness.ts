import { startHarness as startSharedHarness, type Harness } from '@alloydb-tooling/conformance'
import { createClient } from '@alloydb/pg'
import { readFile } from 'node:fs/promises'

/** The adapters' harness, with a database of the test file's own, which has the tables of the Prisma schema. */
export async function startHarness(database: string): Promise<Harness> {
  const harness = await startSharedHarness()
  const { connector, instance, login } = harness
  const tables = await readFile(
    new URL(import.meta.resolve('@alloydb-tooling/prisma-client/tables.sql')),
    'utf8',
  )
  for (const [where, sql] of [
    [login.database, `create database ${database}`],
    [database, tables],
  ] as const) {
    const client = createClient({ connector, instance, ...login, database: where })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  return { ...harness, login: { ...login, database } }
}
