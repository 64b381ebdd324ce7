import { sql } from 'drizzle-orm'
import { drizzle } from '../../src/index.ts'
import { drizzle as drizzleOnPostgresJs } from '../../src/postgres-js.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const connection = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

const ways: Record<string, () => Promise<void>> = {
  async 'databases that are never used'() {
    drizzle({ connection })
    drizzleOnPostgresJs({ connection })
  },
  async 'a database on node-postgres that is ended'() {
    const db = drizzle({ connection })
    await db.transaction((transaction) => transaction.execute(sql`select 1`))
    await db.$client.end()
  },
  async 'a database on postgres.js that is ended'() {
    const db = drizzleOnPostgresJs({ connection })
    await db.transaction((transaction) => transaction.execute(sql`select 1`))
    await db.$client.end()
  },
}
await ways[process.argv[2] ?? '']?.()
console.log('done')
