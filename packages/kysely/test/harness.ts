import { startHarness as startSharedHarness, type Harness } from '@alloydb-tooling/conformance'
import { createClient } from '@alloydb/pg'

/** The adapters' harness, with a database of the test file's own. */
export async function startHarness(database: string): Promise<Harness> {
  const harness = await startSharedHarness()
  const { connector, instance, login } = harness
  const client = createClient({ connector, instance, ...login })
  await client.connect()
  await client.query(`create database ${database}`)
  await client.end()
  return { ...harness, login: { ...login, database } }
}
