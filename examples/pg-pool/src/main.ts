import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createPool } from '@alloydb/pg'
import Cursor from 'pg-cursor'
import { inTransaction } from './in-transaction.ts'

// User, password and database are those of PGUSER, PGPASSWORD and PGDATABASE. All but the instance is pg's own.
const pool = createPool({
  instance: process.env['ALLOYDB_INSTANCE'] ?? '',
  max: 5,
  connectionTimeoutMillis: 10_000, // of waiting for a connection: for one that is free, or for one that is dialed
  statement_timeout: 30_000,
  application_name: 'pg-pool-example',
})
pool.on('error', ({ message }) => console.warn(`an idle connection ended: ${message}`)) // the pool replaces it

try {
  await pool.query('drop schema if exists pool_example cascade')
  await pool.query('create schema pool_example')
  await pool.query(`
    create table pool_example.accounts (
      name text primary key,
      balance int not null check (balance >= 0)
    )`)

  // Parameters travel beside the SQL, never in it.
  const insert = 'insert into pool_example.accounts (name, balance) values ($1, $2)'
  const names = Array.from({ length: 20 }, (_, i) => `account ${i + 1}`)
  await Promise.all(names.map((name) => pool.query(insert, [name, 100])))
  console.log(`20 queries at once made ${pool.totalCount} connections`)
  assert.equal(pool.totalCount, 5)

  const transfer = (from: string, to: string, amount: number): Promise<void> =>
    inTransaction(pool, async (client) => {
      const move = 'update pool_example.accounts set balance = balance + $2 where name = $1'
      await client.query(move, [to, amount])
      await client.query(move, [from, -amount])
    })
  await transfer('account 1', 'account 2', 30)
  // PostgreSQL's own error, with its SQLSTATE: the check of the table does not hold.
  await assert.rejects(transfer('account 1', 'account 3', 71), { code: '23514' })

  const { rows } = await pool.query<{ name: string; balance: number }>(
    'select name, balance from pool_example.accounts where name = any($1) order by name',
    [['account 1', 'account 2', 'account 3']],
  )
  console.log('one transfer was committed, the other rolled back:', rows)
  assert.deepEqual(
    rows.map(({ balance }) => balance),
    [70, 130, 100],
  )

  // A connection that is lost, as by a failover, fails the transaction that had it, and nothing else.
  const lost = inTransaction(pool, async (client) => {
    const ended = once(client, 'end').catch(() => {}) // or with the error that the client emits before
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await ended
    await client.query('select 1')
  })
  await assert.rejects(lost)
  console.log('a transaction lost its connection, and failed')

  // A large result comes in parts, by a cursor: here 250 rows at a time.
  const sum = await inTransaction(pool, async (client) => {
    const cursor = client.query(new Cursor<{ n: number }>('select n from generate_series(1, 1000) as n'))
    let sum = 0
    for (let part = await cursor.read(250); part.length > 0; part = await cursor.read(250)) {
      for (const { n } of part) sum += n
    }
    return sum
  })
  console.log(`the sum of 1000 rows, read by a cursor, is ${sum}`)
  assert.equal(sum, 500_500)
} finally {
  await pool.end() // waits for queries that run, and closes the connector as well
}
