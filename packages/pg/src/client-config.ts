import { AlloyDBError } from '@alloydb/core'
import {
  checkAdapterConfig,
  openAdapter,
  resolveConnectionString,
  unknownUser,
  type AdapterConfig,
  type Dial,
  type OpenedAdapter,
} from '@alloydb/core/adapter'
import type pg from 'pg'
import { toConfig } from './pg-config.ts'

/** Options of pg that say where or how to connect. The instance URI says that, and nothing else may. */
export type ReservedOption = 'host' | 'port' | 'ssl' | 'sslnegotiation' | 'stream'

const reservedOptions: readonly ReservedOption[] = ['host', 'port', 'ssl', 'sslnegotiation', 'stream']

/** What pg takes from a connection string, beside who logs in and to which database. */
const connectionStringParameters = {
  options: [
    'application_name',
    'fallback_application_name',
    'client_encoding',
    'options',
    'replication',
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'query_timeout',
  ],
}

/** What every config has, whatever of pg it is for. */
export interface AlloyDBConfig extends AdapterConfig {
  /**
   * `postgres://user:password@/database?application_name=shop`: who logs in, to which database, and parameters of
   * pg's. Has no host, no port and no `sslmode`. Defaults to none.
   */
  connectionString?: string | undefined
}

/**
 * Opens an adapter by a config. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function openConfig<C extends AlloyDBConfig & pg.ClientConfig>(
  config: C,
): OpenedAdapter<Omit<C, 'connectionString'>> {
  return openAdapter(resolveConnectionString(config, connectionStringParameters), reservedOptions)
}

/**
 * Refuses a config that {@link openConfig} would refuse, and makes nothing of it. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function checkConfig(config: AlloyDBConfig & pg.ClientConfig): void {
  checkAdapterConfig(resolveConnectionString(config, connectionStringParameters), reservedOptions)
}

/**
 * Makes the config of one client whose user is not known before it dials.
 *
 * @param client gives the client, which need not exist yet
 */
export type ConfigFor = (config: pg.ClientConfig, client: () => pg.Client) => pg.ClientConfig

/** What a pg.Client is to connect with. */
interface ClientSetup {
  readonly config: pg.ClientConfig
  /** What is to be made of the config for each client; nothing where the user is known. */
  readonly configFor?: ConfigFor
}

/** What pg.Client keeps of who logs in, and where; it reads them when it is connected. */
interface Login {
  user: string
  database: string
}

/** Makes pg's config of an adapter's. */
export function setUpClient({
  dialer,
  instance,
  connectOptions,
  driverOptions,
  user,
  usesIam,
}: OpenedAdapter<AdapterConfig & pg.ClientConfig>): ClientSetup {
  const dial: Dial = async (signal) => dialer.connect(instance, { ...connectOptions, signal })
  const config: pg.ClientConfig = { ...driverOptions, ...toConfig(instance, dial) }
  if (usesIam) config.password = () => refusePassword(instance)
  if (typeof user !== 'function') return { config: { ...config, user } }

  const configFor: ConfigFor = (given, client) => {
    const lookUpAndDial: Dial = async (signal) => {
      setUser(client(), await user())
      return dial(signal)
    }
    return {
      ...given,
      password: given.password, // hidden from spreads by a pool
      user: unknownUser,
      ...toConfig(instance, lookUpAndDial),
    }
  }
  return { config, configFor }
}

/** pg makes the startup message after the dial, so this is in time. As with pg, the user is the default database. */
function setUser(client: pg.Client, user: string): void {
  const { connectionParameters } = client as pg.Client & { connectionParameters: Login }
  for (const login of [client, connectionParameters]) {
    login.user = user
    if (login.database === unknownUser) login.database = user
  }
}

/**
 * Stands where pg would look for a password: `PGPASSWORD` and ~/.pgpass are not for IAM login. Called only when
 * PostgreSQL asks for one, which it does of a user who is no IAM user.
 */
function refusePassword(instance: string): never {
  throw new AlloyDBError(
    'ALLOYDB_INVALID_OPTION',
    `PostgreSQL of instance "${instance}" asks for a password, and IAM login has none.`,
    { instance, hint: 'Set `user` to an IAM database user, or `authType` to "PASSWORD".' },
  )
}
