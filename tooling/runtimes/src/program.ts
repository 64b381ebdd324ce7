import { AlloyDBError } from '@alloydb/core'
import { createPool } from '@alloydb/pg'
import { createSql } from '@alloydb/postgres-js'
import assert from 'node:assert/strict'

// What an application does, as each runtime has to do it. ALLOYDB_EMULATOR_HOST leads it to the emulator, and it has to end
// by itself.
const instance = process.env['ALLOYDB_INSTANCE'] ?? ''
const login = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }
const iamLogin = { instance, database: 'postgres', authType: 'IAM' as const }
const absent = { ...login, instance: `${instance}-absent` }
const isAbsent = (error: unknown): boolean => AlloyDBError.is(error, 'ALLOYDB_INSTANCE_NOT_FOUND')

async function usePg(): Promise<void> {
  const pool = createPool(login)
  const { rows } = await pool.query('select $1::int + 1 as sum', [1])
  assert.deepEqual(rows, [{ sum: 2 }])
  const client = await pool.connect()
  await client.query('begin')
  await client.query('create temp table rolled_back ()')
  await client.query('rollback')
  await assert.rejects(client.query('table rolled_back'), { code: '42P01' })
  client.release()
  await pool.end()

  const iamPool = createPool(iamLogin)
  assert.deepEqual((await iamPool.query('select current_user as user')).rows, [{ user: 'app@emulator.iam' }])
  await iamPool.end()

  const absentPool = createPool(absent)
  await assert.rejects(absentPool.query('select 1'), isAbsent)
  await absentPool.end()
}

async function usePostgresJs(): Promise<void> {
  const sql = createSql({ ...login, max: 1 })
  assert.deepEqual([...(await sql`select ${1}::int + 1 as sum`)], [{ sum: 2 }])
  const undone = sql.begin(async (sql) => {
    await sql`create temp table rolled_back ()`
    throw new Error('undo')
  })
  await assert.rejects(undone, { message: 'undo' })
  await assert.rejects(sql`table rolled_back`, { code: '42P01' })
  await sql.end()

  const iamSql = createSql(iamLogin)
  assert.deepEqual([...(await iamSql`select current_user as user`)], [{ user: 'app@emulator.iam' }])
  await iamSql.end()

  const absentSql = createSql(absent)
  await assert.rejects(absentSql`select 1`.execute(), isAbsent)
  await absentSql.end()
}

await usePg()
await usePostgresJs()
console.log('done')
