import { Connector } from '@alloydb/core'
import { drizzle } from '@alloydb/drizzle'
import { count, sql } from 'drizzle-orm'
import { pgSchema, serial, text, withReplicas } from 'drizzle-orm/pg-core'
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

const { ALLOYDB_INSTANCE = '', ALLOYDB_READ_POOL_INSTANCE = '' } = process.env

const visits = pgSchema('drizzle_read_pool_example').table('visits', {
  id: serial().primaryKey(),
  page: text().notNull(),
})

// One connector for both: one key pair, one set of credentials. User, password and database come from PGUSER,
// PGPASSWORD and PGDATABASE.
const connector = new Connector()
const primary = drizzle({ connection: { connector, instance: ALLOYDB_INSTANCE } })
const readPool = drizzle({ connection: { connector, instance: ALLOYDB_READ_POOL_INSTANCE } })
const db = withReplicas(primary, [readPool])

try {
  await db.execute(sql`drop schema if exists drizzle_read_pool_example cascade`)
  await db.execute(sql`create schema drizzle_read_pool_example`)
  await db.execute(sql`create table ${visits} (id serial primary key, page text not null)`)

  // Writes go to the primary, and so do transactions and execute().
  await db.insert(visits).values([{ page: '/' }, { page: '/prices' }])
  assert.equal(await db.$primary.$count(visits), 2)

  // Reads go to the read pool, which lags a little behind.
  const isReadOnly = sql<string>`current_setting('transaction_read_only')`
  const [server] = await db.select({ isReadOnly }).from(sql`(select 1) as one`)
  assert.deepEqual(server, { isReadOnly: 'on' })
  while ((await countVisits()) !== 2) await sleep(50)
  console.log('the read pool has the visits that the primary was told of')

  // 25006: it cannot write.
  await assert.rejects(
    readPool.insert(visits).values({ page: '/admin' }),
    (error: Error) => (error.cause as { code?: string } | undefined)?.code === '25006',
  )
  console.log('the read pool refuses to write')
} finally {
  await Promise.all([primary.$client.end(), readPool.$client.end()])
  await connector.close()
}

/** Counts by the read pool. It may not have the table yet. */
async function countVisits(): Promise<number | undefined> {
  const [exists] = await db
    .select({ table: sql<string | null>`to_regclass('drizzle_read_pool_example.visits')` })
    .from(sql`(select 1) as one`)
  if (exists?.table === null) return undefined
  const [row] = await db.select({ visits: count() }).from(visits)
  return row?.visits
}
