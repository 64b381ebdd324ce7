import pg from 'pg'
import { callBack } from './call-back.ts'
import {
  openConfig,
  setUpClient,
  type AlloyDBConfig,
  type ConfigFor,
  type ReservedOption,
} from './client-config.ts'

/** The config of {@link createPool}: an instance, a connector or its options, and what pg.Pool takes. */
export interface AlloyDBPoolConfig
  extends AlloyDBConfig, Omit<pg.PoolConfig, ReservedOption | keyof AlloyDBConfig> {}

/**
 * Makes a pool of connections to an AlloyDB instance: an ordinary pg.Pool, in every way. Does no I/O before the first
 * query.
 *
 * `end()` also closes the connector, unless that is shared. The error of an idle connection is emitted as 'error', as
 * any pg.Pool does, but does not end the process when nobody listens: the pool replaces that connection by itself.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function createPool(config: AlloyDBPoolConfig): pg.Pool {
  const adapter = openConfig(config)
  const { config: poolConfig, configFor } = setUpClient(adapter)
  if (configFor !== undefined) {
    Object.assign(poolConfig, {
      Client: bindClient((config.Client ?? pg.Client) as typeof pg.Client, configFor),
    })
  }
  return new AlloyDBPool(poolConfig, () => adapter.close())
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
  readonly #close: () => Promise<void>

  constructor(config: pg.PoolConfig, close: () => Promise<void>) {
    super(config)
    this.#close = close
    this.on('error', () => {})
  }

  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | void {
    if (callback === undefined) return this.#end()
    callBack(this.#end(), callback)
  }

  async #end(): Promise<void> {
    await super.end()
    await this.#close()
  }
}
