import { createClient, createPool } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

const ways: Record<string, () => Promise<void>> = {
  async 'clients that are ended, or could not log in, and a pool that lets it end'() {
    const client = createClient(config)
    await client.connect()
    await client.end()

    await createClient({ ...config, password: 'wrong' })
      .connect()
      .catch(() => {})

    const pool = createPool({ ...config, allowExitOnIdle: true })
    await Promise.all([pool.query('select 1'), pool.query('select 2')])
  },
}
const way = ways[process.argv[2] ?? '']
if (way === undefined) throw new Error(`There is no way "${process.argv[2]}".`)
await way()
console.log('done')
