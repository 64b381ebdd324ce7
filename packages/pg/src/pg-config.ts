import { AlloyDBError, type ConnectOptions, type Dialer } from '@alloydb/core'
import { bindDialer, type Dial } from '@alloydb/core/adapter'
import type { Duplex } from 'node:stream'
import { createPlaceholder, type StreamOwner } from './placeholder-socket.ts'

/** Options of {@link pgConfig}; each defaults to the connector's own. */
export type PgConfigOptions = Pick<ConnectOptions, 'ipType' | 'authType'>

/** The options that lead pg to AlloyDB. They are plain, and may be spread and copied. */
export interface PgConfig {
  /** Makes the stream of one connection. pg calls it for each `Client` that it makes. */
  stream: (this: StreamOwner | void, config?: { ssl?: unknown }) => Duplex
  /** The stream is encrypted and verified already. Also keeps `PGSSLMODE` out. */
  ssl: false
  /** Keeps `PGSSLNEGOTIATION` out. */
  sslnegotiation: 'postgres'
}

/**
 * Makes the options by which node-postgres, and every library built on it, connects to an AlloyDB instance. Put them
 * beside `user`, `password` and `database`. Does no I/O: each connection is dialed when pg connects it.
 *
 * The host and the port that pg is given otherwise have no meaning. The dialer stays its owner's to close.
 *
 * @param dialer a `Connector`, or anything that dials as one
 * @param instance the instance URI, `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function pgConfig(dialer: Dialer, instance: string, options: PgConfigOptions = {}): PgConfig {
  return toConfig(instance, bindDialer(dialer, instance, options))
}

/** Makes the options of what dials. */
export function toConfig(instance: string, dial: Dial): PgConfig {
  return { stream: createStreamFactory(instance, dial), ssl: false, sslnegotiation: 'postgres' }
}

/** Makes the `stream` option: what pg calls, as a method of its `Connection`, for each connection. */
function createStreamFactory(instance: string, dial: Dial): PgConfig['stream'] {
  return function stream(config) {
    const dialOrRefuse: Dial = async (signal) => {
      if (config?.ssl) throw sslError(instance)
      return dial(signal)
    }
    return createPlaceholder(dialOrRefuse, this ?? undefined)
  }
}

function sslError(instance: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_INVALID_OPTION',
    `The option "ssl" is set for the connection to instance "${instance}", which is encrypted and verified already.`,
    { instance, hint: 'Remove `ssl`, and `sslmode` from the connection string.' },
  )
}
