import {
  openAdapter,
  resolveConnectionString,
  unknownUser,
  type AdapterConfig,
  type OpenedAdapter,
} from '@alloydb/core/adapter'
import postgres from 'postgres'
import { readConnectTimeoutMs } from './connect-timeout.ts'
import type { Dial } from './open-socket.ts'
import { PoolConnections, type Pool } from './pool-connections.ts'
import { toConfig } from './postgres-config.ts'
import { guardTransactions, type TransactionSource } from './transaction-guard.ts'

/** Options of postgres.js that say where or how to connect. The instance URI says that, and nothing else may. */
const reservedOptions = ['host', 'hostname', 'port', 'path', 'ssl', 'sslnegotiation', 'socket'] as const
type ReservedOption = (typeof reservedOptions)[number]

/** What is taken from a connection string, beside who logs in and to which database. */
const connectionStringParameters = {
  options: ['connect_timeout', 'idle_timeout', 'max_lifetime'],
  connection: [
    'application_name',
    'options',
    'search_path',
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
  ],
}

/** Types of the user's own, as postgres.js takes them. */
type Types = Record<string, postgres.PostgresType>

/** The config of {@link createSql}: an instance, a connector or its options, and what postgres.js takes. */
export interface AlloyDBSqlConfig<T extends Types = {}>
  extends AdapterConfig, Omit<postgres.Options<T>, ReservedOption | 'user' | 'database'> {
  /** The database user. Defaults to `PGUSER`, or with IAM login to the principal of the credentials. */
  user?: string | undefined
  /** The database. Defaults to `PGDATABASE`, or else to the user's name. */
  database?: string | undefined
  /**
   * `postgres://user:password@/database?application_name=shop`: who logs in, to which database, and some parameters of
   * the session and of postgres.js. Has no host, no port and no `sslmode`. Defaults to none.
   */
  connectionString?: string | undefined
}

/** What `postgres<T>()` gives. */
type AlloyDBSql<T extends Types> = ReturnType<typeof postgres<T>>

/**
 * Makes a pool of connections to an AlloyDB instance: an ordinary `sql` of postgres.js, in every way. Does no I/O before
 * the first query.
 *
 * `sql.end()` serves the queries that it has got, closes all connections, and then closes the connector, unless that is
 * shared. `sql.end({ timeout })` gives up after so many seconds, and aborts what is dialing; also where an end without a
 * timeout is under way.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function createSql<T extends Types = {}>(config: AlloyDBSqlConfig<T>): AlloyDBSql<T> {
  const { username, pass, db, ...rest } = { ...config } // there may be no config at all
  const named = {
    ...rest,
    user: rest.user ?? username,
    password: rest.password ?? pass,
    database: rest.database ?? db,
  }
  const adapter = openAdapter(resolveConnectionString(named, connectionStringParameters), reservedOptions)
  const connections = new PoolConnections(createDial(adapter))
  const options: postgres.Options<T> = {
    ...(adapter.driverOptions as postgres.Options<T>), // without those that are undefined
    ...loginOf(adapter),
    ...toConfig(adapter.instance, (socketOptions) => connections.open(socketOptions)),
  }
  // Without connections, this only tells the defaults, which may come from the environment.
  const { backoff, connect_timeout } = postgres({ ...options, max: 0 }).options
  readConnectTimeoutMs(connect_timeout)
  const sql = postgres<T>({
    ...options,
    backoff: (retries) =>
      connections.backOff(Number(typeof backoff === 'function' ? backoff(retries) : backoff)),
  }) as AlloyDBSql<T> & Pool

  guardTransactions(sql as object as TransactionSource, connections)

  const endDriver = sql.end.bind(sql)
  let ended: Promise<void> | undefined
  sql.end = (endOptions) => {
    const timeout = endOptions?.timeout
    if (ended !== undefined && typeof timeout === 'number') connections.giveUpAfter(timeout)
    return (ended ??= connections.end(sql, endDriver(endOptions), timeout).then(() => adapter.close()))
  }
  return sql
}

function createDial({ dialer, instance, connectOptions, user }: OpenedAdapter<unknown>): Dial {
  return async (signal, { connection, database }) => {
    if (typeof user === 'function') {
      connection['user'] = await user()
      // As with a user that is given, it is the default database.
      if (database === unknownUser) connection['database'] = connection['user']
    }
    return dialer.connect(instance, { ...connectOptions, signal })
  }
}

function loginOf({ user, usesIam }: OpenedAdapter<unknown>): Pick<postgres.Options<{}>, 'user' | 'password'> {
  return {
    ...(user !== undefined && { user: typeof user === 'function' ? unknownUser : user }),
    // Keeps `PGPASSWORD` out. PostgreSQL asks for a password only if the user is no IAM user, and then refuses this one.
    ...(usesIam && { password: () => '' }),
  }
}
