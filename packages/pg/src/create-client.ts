import pg from 'pg'
import { callBack } from './call-back.ts'
import { openConfig, setUpClient, type AlloyDBConfig, type ReservedOption } from './client-config.ts'

/** The config of {@link createClient}: an instance, a connector or its options, and what pg.Client takes. */
export interface AlloyDBClientConfig
  extends AlloyDBConfig, Omit<pg.ClientConfig, ReservedOption | keyof AlloyDBConfig> {}

/**
 * Makes a client for one connection to an AlloyDB instance: an ordinary pg.Client, in every way. Does no I/O before its
 * `connect()`.
 *
 * The connector is closed with the connection, whichever way that ends, and by `end()`; one that is shared is not.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function createClient(config: AlloyDBClientConfig): pg.Client {
  const adapter = openConfig(config)
  const { config: clientConfig, configFor } = setUpClient(adapter)
  const client: pg.Client = new AlloyDBClient(configFor?.(clientConfig, () => client) ?? clientConfig, () =>
    adapter.close(),
  )
  return client
}

class AlloyDBClient extends pg.Client {
  readonly #close: () => Promise<void>
  #hasEnded = false

  constructor(config: pg.ClientConfig, close: () => Promise<void>) {
    super(config)
    this.#close = close
    this.once('end', () => {
      this.#hasEnded = true
    })
    // A client that is used to cancel another's query has a connection that ends, and says nothing itself.
    this.connection.once('end', () => void close())
  }

  override end(): Promise<void>
  override end(callback: (error: Error) => void): void
  override end(callback?: (error: Error) => void): Promise<void> | void {
    if (!callback) return this.#end()
    callBack(this.#end(), callback)
  }

  async #end(): Promise<void> {
    if (!this.#hasEnded) await super.end() // older versions of pg would wait for another end
    await this.#close()
  }
}
