import assert from 'node:assert/strict'
import { Connector } from '@alloydb/core'
import { PostgresSession } from './postgres-session.ts'

const instance = process.env['ALLOYDB_INSTANCE'] ?? ''
const database = process.env['PGDATABASE'] ?? 'postgres'

const connector = new Connector({ authType: 'IAM' })
try {
  // Dialed, encrypted, verified, and told who is calling. What is missing is PostgreSQL's own protocol.
  const socket = await connector.connect(instance, { signal: AbortSignal.timeout(10_000) })
  const session = new PostgresSession(socket)
  const user = await connector.getIamUser()
  await session.logIn(user, database)
  console.log(`logged in to "${database}" as "${user}"`)

  const rows = await session.query(
    `select n, n * n as square, null as nothing from generate_series(1, 3) as n`,
  )
  assert.deepEqual(rows, [
    { n: '1', square: '1', nothing: null },
    { n: '2', square: '4', nothing: null },
    { n: '3', square: '9', nothing: null },
  ])
  console.log('queried:', rows)

  await assert.rejects(session.query('select * from nowhere'), /relation "nowhere" does not exist/)
  session.end()
} finally {
  await connector.close()
}
