import assert from 'node:assert/strict'
import { Connector } from '@alloydb/core'
import { createPool } from '@alloydb/pg'
import { createSql } from '@alloydb/postgres-js'

const instance = process.env['ALLOYDB_INSTANCE'] ?? ''
const database = process.env['PGDATABASE'] ?? 'postgres'
// Variables for a login by password are not for this one, and are not read.
process.env['PGUSER'] = 'somebody-else'
process.env['PGPASSWORD'] = 'and their password'

// One connector for both drivers: one certificate, and one place that says how everyone logs in.
const connector = new Connector({ authType: 'IAM' })
const pool = createPool({ connector, instance, database })
const sql = createSql({ connector, instance, database })
try {
  // Who that is, the credentials say: a service account, or you after `gcloud auth application-default login`.
  const expected = await connector.getIamUser()
  const { rows } = await pool.query<{ current_user: string }>('select current_user')
  assert.equal(rows[0]?.current_user, expected)
  console.log(`node-postgres is logged in as "${rows[0].current_user}"`)

  const [row] = await sql<{ current_user: string }[]>`select current_user`
  assert.equal(row?.current_user, expected)
  console.log(`postgres.js is logged in as "${row.current_user}"`)
} finally {
  await Promise.all([pool.end(), sql.end()])
  await connector.close()
}

// A password has no place beside IAM login: the mistake is told before anything is dialed.
assert.throws(() => createPool({ instance, authType: 'IAM', user: 'app', password: 'secret' }), {
  code: 'ALLOYDB_INVALID_OPTION',
})
