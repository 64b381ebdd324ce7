import type { ConnectOptions, Dialer } from '@alloydb/core'
import { bindDialer } from '@alloydb/core/adapter'
import type { Duplex } from 'node:stream'
import { openSocket, type SocketOptions } from './open-socket.ts'

/** Options of {@link postgresConfig}; each defaults to the connector's own. */
export type PostgresConfigOptions = Pick<ConnectOptions, 'ipType' | 'authType'>

/** The options that lead postgres.js to AlloyDB. They are plain, and may be spread and copied. */
export interface PostgresConfig {
  /** Opens the socket of one connection. postgres.js calls it for each that it makes; its types do not have it. */
  socket: (options: SocketOptions) => Promise<Duplex>
  /** The socket is encrypted and verified already. Also keeps `PGSSL` out. */
  ssl: false
  /**
   * The instance's ID, for postgres.js's errors. Also keeps `PGHOST` out: of a list of hosts, postgres.js drops the error
   * of the first, and dials again at once and for ever.
   */
  host: string
  /** The port of AlloyDB's server-side proxy, for postgres.js's errors. */
  port: number
}

/**
 * Makes the options by which postgres.js connects to an AlloyDB instance. Put them behind all others in the options of
 * `postgres()`, beside `user`, `password` and `database`. Does no I/O: each connection is dialed when postgres.js needs it.
 *
 * The dialer stays its owner's to close.
 *
 * @param dialer a `Connector`, or anything that dials as one
 * @param instance the instance URI, `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function postgresConfig(
  dialer: Dialer,
  instance: string,
  options: PostgresConfigOptions = {},
): PostgresConfig {
  const dial = bindDialer(dialer, instance, options)
  return toConfig(instance, (driverOptions) => openSocket(dial, driverOptions))
}

export function toConfig(instance: string, socket: PostgresConfig['socket']): PostgresConfig {
  return { host: instance.slice(instance.lastIndexOf('/') + 1), port: 5433, socket, ssl: false }
}
