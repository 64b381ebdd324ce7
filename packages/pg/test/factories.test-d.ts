// Type-checked; never run.
import { Connector, type Dialer } from '@alloydb/core'
import pg from 'pg'
import {
  createClient,
  createPool,
  pgConfig,
  type AlloyDBClientConfig,
  type AlloyDBPoolConfig,
  type PgConfig,
} from '../src/index.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'

// What comes back is what pg has.
const pool: pg.Pool = createPool({ instance, user: 'app', password: 'secret', database: 'shop' })
const client: pg.Client = createClient({ instance, user: 'app', password: 'secret', database: 'shop' })
const { rows } = await pool.query<{ id: number }>('select id from orders')
export const id: number | undefined = rows[0]?.id
// @ts-expect-error a column that is not in the row's type
export const item: unknown = rows[0]?.item
await client.connect()
pool.end(() => {})
client.end((error: Error) => void error)

// What pg takes, and what a connector takes.
createPool({ instance, max: 5, idleTimeoutMillis: 1_000, allowExitOnIdle: true, application_name: 'shop' })
createPool({ instance, authType: 'IAM', ipType: 'psc', refreshStrategy: 'lazy', quotaProject: 'p' })
createPool({ instance, password: async () => 'secret' })
createPool({ instance, connectionString: 'postgres://app:secret@/shop' })
createPool({ instance, Client: pg.Client as unknown as NonNullable<pg.PoolConfig['Client']> })
createPool({ instance, connector: new Connector() })
createClient({ instance, keepAlive: true, statement_timeout: 1_000, pipeline: true })
// @ts-expect-error a client has no pool
createClient({ instance, max: 5 })

// Whatever may be undefined may be given so: settings often come from the environment.
export const poolConfig: AlloyDBPoolConfig = {
  instance,
  user: process.env['DB_USER'],
  password: process.env['DB_PASSWORD'],
  database: process.env['DB_NAME'],
  connectionString: process.env['DATABASE_URL'],
  connector: undefined,
  ipType: undefined,
  authType: undefined,
  auth: undefined,
}
export const clientConfig: AlloyDBClientConfig = {
  instance,
  connectionString: undefined,
  connector: undefined,
}

// @ts-expect-error there is no default instance
createPool({ user: 'app' })
// @ts-expect-error there is no such IP type
createPool({ instance, ipType: 'LOCAL' })

// Where and how to connect is the instance's to say.
// @ts-expect-error host
createPool({ instance, host: 'localhost' })
// @ts-expect-error port
createPool({ instance, port: 5432 })
// @ts-expect-error ssl
createPool({ instance, ssl: true })
// @ts-expect-error stream
createPool({ instance, stream: () => new Connector() })
// @ts-expect-error host
createClient({ instance, host: 'localhost' })
// @ts-expect-error port
createClient({ instance, port: 5432 })
// @ts-expect-error ssl
createClient({ instance, ssl: true })
// @ts-expect-error stream
createClient({ instance, stream: () => new Connector() })

// The fragment goes wherever pg's options do.
export function share(dialer: Dialer, options: pg.PoolConfig): (pg.Pool | pg.Client)[] {
  const config: PgConfig = pgConfig(dialer, instance, { ipType: 'PUBLIC', authType: undefined })
  return [new pg.Pool({ ...options, ...config }), new pg.Client({ ...config, user: 'app' })]
}
// @ts-expect-error a dialer is needed
pgConfig(instance)
// @ts-expect-error the user is an option of pg's
pgConfig(new Connector(), instance, { user: 'app' })
