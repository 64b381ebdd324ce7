import { AlloyDBError } from '@alloydb/core'
import { openAdapter, type AdapterConfig } from '@alloydb/core/adapter'
import { callbackify } from 'node:util'
import pg from 'pg'
import { reservedOptions, setUpClient, type ConfigFor, type ReservedOption } from './client-config.ts'

/** The config of {@link createPool}: an instance, a connector or its options, and what pg.Pool takes. */
export interface AlloyDBPoolConfig extends AdapterConfig, Omit<pg.PoolConfig, ReservedOption> {}

/**
 * Makes a pool of connections to an AlloyDB instance: an ordinary pg.Pool, in every way. Does no I/O before the first
 * query.
 *
 * `end()` also gives up the connections that are still being made, and then closes the connector, unless that is
 * shared. The error of an idle connection is emitted as 'error', as any pg.Pool does, but does not end the process
 * when nobody listens: the pool replaces that connection by itself.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function createPool(config: AlloyDBPoolConfig): pg.Pool {
  const adapter = openAdapter(config, reservedOptions)
  const ending = new AbortController()
  const { config: poolConfig, configFor } = setUpClient(
    adapter,
    (dial) => (signal) => dial(AbortSignal.any([signal, ending.signal])),
  )
  if (configFor !== undefined) {
    Object.assign(poolConfig, {
      Client: bindClient((config.Client ?? pg.Client) as typeof pg.Client, configFor),
    })
  }
  return new AlloyDBPool(
    poolConfig,
    () => ending.abort(endedError(adapter.instance)),
    () => adapter.close(),
  )
}

/** Makes the pool's class of clients, of a kind that learns its user while it dials. */
function bindClient(Client: typeof pg.Client, configFor: ConfigFor): typeof pg.Client {
  return class extends Client {
    constructor(config: pg.ClientConfig) {
      super(configFor(config, () => this))
    }
  }
}

class AlloyDBPool extends pg.Pool {
  readonly #abort: () => void
  readonly #close: () => Promise<void>

  constructor(config: pg.PoolConfig, abort: () => void, close: () => Promise<void>) {
    super(config)
    this.#abort = abort
    this.#close = close
    this.on('error', () => {})
  }

  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | void {
    if (!callback) return this.#end()
    callbackify(() => this.#end())(callback)
  }

  async #end(): Promise<void> {
    const ended = super.end()
    this.#abort() // pg-pool would wait for what is being dialed
    await ended
    await this.#close()
  }
}

function endedError(instance: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_ABORTED',
    `The pool was ended while it was connecting to instance "${instance}".`,
    { instance, hint: 'End the pool after the last query.' },
  )
}
