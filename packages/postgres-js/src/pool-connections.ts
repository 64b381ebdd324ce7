import type { Duplex } from 'node:stream'
import { connectionError } from './connection-error.ts'
import { openSocket, type Dial, type SocketOptions } from './open-socket.ts'

/** Needed at the end alone: importing it would take a tenth of what importing this package takes. */
const timers = (): typeof import('node:timers/promises') => process.getBuiltinModule('node:timers/promises')

/** What postgres.js's `sql` is to its connections. Its types lack `close`. */
export interface Pool {
  readonly options: SocketOptions
  /** Ends the connections, and has those that are busy end when they are not. */
  close(): Promise<void>
}

interface Connection {
  readonly options: SocketOptions
  readonly abort: AbortController
  readonly opening: Promise<Duplex>
  /** Once it is open. */
  socket?: Duplex
}

/**
 * Knows the connections of one pool, so that its end can be awaited, and enforced.
 *
 * postgres.js's own `end()` does not do for that: it waits for ever for a connection that fails meanwhile, and not at all
 * for the queries that have no connection yet, which it serves afterwards.
 */
export class PoolConnections {
  readonly #dial: Dial
  readonly #connections = new Set<Connection>()
  /** How many have been opened so far. */
  #count = 0
  /** When postgres.js will have dialed again for what waits for that since before the end. */
  #redialsAt = 0
  #ending: Pool | undefined
  readonly #ended = new AbortController()
  readonly #givenUp = Promise.withResolvers<void>()

  constructor(dial: Dial) {
    this.#dial = dial
  }

  /** Opens the socket of one connection. Never rejects. */
  async open(options: SocketOptions): Promise<Duplex> {
    // While it ends, postgres.js would keep the connections that it makes for the remaining queries, unless it is told.
    void this.#ending?.close()
    this.#count += 1
    for (const known of this.#connections) if (known.socket?.closed) this.#connections.delete(known)

    const abort = new AbortController()
    this.#abortIfUnwanted({ options, abort })
    const connection: Connection = { options, abort, opening: openSocket(this.#dial, options, abort) }
    this.#connections.add(connection)
    return (connection.socket = await connection.opening)
  }

  /** Waits until postgres.js has heard of the close of all sockets that have failed. Tells whether there are any. */
  async untilFailedAreClosed(): Promise<boolean> {
    const sockets = [...this.#connections].flatMap(({ socket }) => socket ?? [])
    // It stops listening then. The socket itself says that it is closed before it emits that.
    const failed = sockets.filter((socket) => socket.destroyed && socket.listenerCount('close') > 0)
    await Promise.all(failed.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    return failed.length > 0
  }

  /** Takes the seconds that postgres.js would wait before it dials again, and gives those that it shall wait. */
  backOff(seconds: number): number {
    if (this.#ending) return 0
    this.#redialsAt = Math.max(this.#redialsAt, performance.now() + seconds * 1000)
    return seconds
  }

  /** Has an end that is under way give up after so many seconds, which postgres.js's own does not. */
  giveUpAfter(timeout: number): void {
    this.#sleep(timeout * 1000).then(this.#givenUp.resolve, () => {})
  }

  /**
   * Waits until all queries are done and all connections are closed, or for a timeout. Then closes the connections:
   * also those that postgres.js has ended, since a server does not notice before it has done its query.
   *
   * @param driverEnded postgres.js's own end, begun just now; never later than its timeout
   * @param timeout in seconds
   */
  async end(pool: Pool, driverEnded: Promise<void>, timeout: number | null | undefined): Promise<void> {
    this.#ending = pool
    for (const connection of this.#connections) this.#abortIfUnwanted(connection)
    const waits: Promise<unknown>[] = [this.#drain(driverEnded), this.#givenUp.promise]
    if (typeof timeout === 'number') waits.push(Promise.all([driverEnded, this.#sleep(timeout * 1000)]))
    await Promise.race(waits)
    this.#ended.abort()
    for (const connection of this.#connections) {
      this.#abortIfUnwanted(connection)
      // With an error: without one, postgres.js would dial again for a query that waits for the login.
      connection.socket?.destroy(connection.abort.signal.reason as Error)
    }
  }

  async #drain(driverEnded: Promise<void>): Promise<void> {
    // Queries that wait for a dial keep postgres.js from its end. If there are none, neither is there a reason to wait.
    await Promise.race([driverEnded, this.#sleep(Math.max(0, this.#redialsAt - performance.now()))])
    const { setImmediate: nextTurn, setTimeout: sleep } = timers()
    let count: number
    do {
      count = this.#count
      await Promise.all(Array.from(this.#connections, async ({ opening }) => waitForClose(await opening)))
      // postgres.js hears of the close by now. If queries remain, it dials by a timer of 0 ms, which is over before the
      // one that is set after it.
      await nextTurn()
      await sleep(0)
    } while (this.#count > count)
  }

  /** Waits, though no longer than until the end, and without keeping the process. */
  async #sleep(ms: number): Promise<void> {
    await timers().setTimeout(Math.ceil(ms), undefined, { ref: false, signal: this.#ended.signal })
  }

  /** postgres.js has pools of its own for `listen` and `subscribe`, which it ends at once, but for what is dialing. */
  #abortIfUnwanted({ options, abort }: Pick<Connection, 'options' | 'abort'>): void {
    const isListeners = this.#ending !== undefined && options !== this.#ending.options
    if (isListeners || this.#ended.signal.aborted) abort.abort(connectionError('CONNECTION_ENDED', options))
  }
}

async function waitForClose(socket: Duplex): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}
