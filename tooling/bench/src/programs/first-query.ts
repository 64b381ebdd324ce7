import { connect } from 'node:net'
import { createPool } from '@alloydb/pg'
import type { Pool } from 'pg'
import { serve } from '../program.ts'

/** Runs the first query of a pool, once connection info and token are there. */
export type FirstQueryCommands = {
  run: (target: {
    host: string
    instance: string
    relayPort: number
    proxyPort: number
    user: string
    database: string
  }) => Promise<void>
}

let pool: Pool | undefined

serve(
  {
    async run({ host, instance, relayPort, proxyPort, user, database }) {
      process.env['ALLOYDB_EMULATOR_HOST'] = host
      let port = proxyPort
      pool = createPool({
        instance,
        user,
        database,
        createConnection: (address) => connect({ host: address, port, noDelay: true }),
      })
      await pool.query('select 1')
      port = relayPort
      // The first connection is busy, so the query has to open one of its own.
      await Promise.all([pool.query('select pg_sleep(0.5)'), pool.query('select 1')])
    },
  } satisfies FirstQueryCommands,
  async () => pool?.end(),
)
