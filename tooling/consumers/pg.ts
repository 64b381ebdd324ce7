// What a user of @alloydb/pg may write; tooling/scripts/check-packages.ts type-checks it against the installed package.
import { createClient, createPool, pgConfig, type AlloyDBPoolConfig } from '@alloydb/pg'
import { checkPoolConfig, openPoolConfig } from '@alloydb/pg/adapter'
import { Connector } from '@alloydb/core'
import pg from 'pg'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const config: AlloyDBPoolConfig = { instance, user: 'app', password: undefined, database: 'shop', max: 5 }

export async function query(): Promise<number | undefined> {
  const pool: pg.Pool = createPool(config)
  const { rows } = await pool.query<{ one: number }>('select 1 as one')
  await pool.end()
  return rows[0]?.one
}

export const client: pg.Client = createClient({ instance, database: 'shop', authType: 'IAM' })

export function share(connector: Connector): pg.Pool[] {
  const own = new pg.Pool({ ...pgConfig(connector, instance, { ipType: 'PUBLIC' }), database: 'shop' })
  return [own, createPool({ connector, instance, user: 'app' })]
}

checkPoolConfig({ ...config, connectionString: 'postgres://app:secret@/shop' })

export async function withPoolOfOthers(): Promise<void> {
  const { config: poolConfig, close } = await openPoolConfig(config)
  await new pg.Pool(poolConfig).end()
  await close()
}

// @ts-expect-error where to connect is the instance's to say
createPool({ instance, host: 'localhost' })
