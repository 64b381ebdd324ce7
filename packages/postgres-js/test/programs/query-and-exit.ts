import { createSql } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

async function endWhileQuerying(): Promise<void> {
  const started = Promise.withResolvers<unknown>()
  const sql = createSql({ ...config, onnotice: started.resolve })
  const query = sql.unsafe(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`).catch(() => {})
  await started.promise
  await sql.end({ timeout: 0.1 })
  await query
}

async function endWhileDialing(): Promise<void> {
  const sql = createSql(config)
  const query = sql`select 1`.catch(() => {})
  await sql.end({ timeout: 0 })
  await query
}

async function failToConnect(): Promise<void> {
  const sql = createSql({ ...config, instance: `${instance}-of-another-name` })
  await sql`select 1`.catch(() => {})
  await sql.end()
}

const ways: Record<string, () => Promise<unknown>> = {
  'pools whose end runs out of time, and one that cannot connect': () =>
    Promise.all([endWhileQuerying(), endWhileDialing(), failToConnect()]),
  async 'a pool that closes its idle connections'() {
    const sql = createSql({ ...config, idle_timeout: 0.1 })
    await sql`select 1`
  },
}
const way = ways[process.argv[2] ?? '']
if (way === undefined) throw new Error(`There is no way "${process.argv[2]}".`)
await way()
console.log('done')
