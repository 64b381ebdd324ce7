import { Kysely, sql } from 'kysely'
import { AlloyDBDialect } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

function open(): Kysely<unknown> {
  return new Kysely<unknown>({ dialect: new AlloyDBDialect(config) })
}

const ways: Record<string, () => Promise<void>> = {
  async 'a Kysely that is never used'() {
    open()
  },
  async 'a Kysely that is destroyed'() {
    const db = open()
    await sql`select 1`.execute(db)
    await db.destroy()
  },
  async 'a Kysely that is destroyed while it dials'() {
    const db = open()
    const query = sql`select 1`.execute(db).catch(() => {})
    await db.destroy()
    await query
  },
}
await ways[process.argv[2] ?? '']?.()
console.log('done')
