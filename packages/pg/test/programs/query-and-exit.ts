import { createClient, createPool } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'postgres' }

const ways: Record<string, () => Promise<void>> = {
  async 'a pool that lets the process end'() {
    const pool = createPool({ ...config, allowExitOnIdle: true })
    await Promise.all([pool.query('select 1'), pool.query('select 2')])
  },
  async 'a client that is ended'() {
    const client = createClient(config)
    await client.connect()
    await client.end()
  },
  async 'a client that cannot log in'() {
    const client = createClient({ ...config, password: 'wrong' })
    await client.connect().catch(() => {})
  },
}
await ways[process.argv[2] ?? '']?.()
console.log('done')
