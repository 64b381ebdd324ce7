import { createSql } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

const ways: Record<string, () => Promise<void>> = {
  async 'a pool that is ended'() {
    const pools = [createSql(config), createSql({ ...config, password: 'wrong' })]
    await Promise.allSettled(pools.map((sql) => sql`select 1`))
    await Promise.all(pools.map((sql) => sql.end()))
  },
  async 'a pool that is ended while it dials'() {
    const sql = createSql(config)
    const query = sql`select 1`.execute()
    await sql.end()
    await query
  },
  async 'a pool whose end runs out of time'() {
    const started = Promise.withResolvers<unknown>()
    const sql = createSql({ ...config, onnotice: started.resolve })
    const query = sql
      .unsafe(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`)
      .catch(() => {})
    await started.promise
    await sql.end({ timeout: 0.1 })
    await query
  },
  async 'a pool whose end runs out of time while it dials'() {
    const sql = createSql(config)
    const query = sql`select 1`.catch(() => {})
    await sql.end({ timeout: 0 })
    await query
  },
  async 'a pool that cannot connect'() {
    const sql = createSql({ ...config, instance: `${instance}-of-another-name` })
    await sql`select 1`.catch(() => {})
    await sql.end()
  },
  async 'a pool that closes its idle connections'() {
    const sql = createSql({ ...config, idle_timeout: 0.1 })
    await sql`select 1`
  },
}
await ways[process.argv[2] ?? '']?.()
console.log('done')
