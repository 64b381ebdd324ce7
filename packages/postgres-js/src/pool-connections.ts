import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectionError } from './connection-error.ts'
import { openSocket, type Dial, type SocketOptions } from './open-socket.ts'

/** postgres.js dials again by a timer; this much later it has. */
const timerSlackMs = 10

/** A dial under way. */
interface Opening {
  readonly options: SocketOptions
  readonly abort: AbortController
}

/**
 * Knows the connections of one pool, so that its end can be awaited, and enforced.
 *
 * postgres.js's own `end()` does not do for that: it waits for ever for a connection that fails meanwhile, and not at all
 * for the queries that have no connection yet, which it serves afterwards.
 */
export class PoolConnections {
  readonly #dial: Dial
  readonly #opening = new Map<Promise<Duplex>, Opening>()
  readonly #sockets = new Set<Duplex>()
  /** When postgres.js will have dialed again for what waits for that since before the end. */
  #redialsAt = 0
  /** When postgres.js will have begun all dials that it has a query for. */
  #settledAt = 0
  /** The options of the pool that ends. */
  #ending: SocketOptions | undefined
  #hasEnded = false

  constructor(dial: Dial) {
    this.#dial = dial
  }

  get isEnding(): boolean {
    return this.#ending !== undefined
  }

  /** Opens the socket of one connection. Never rejects. */
  async open(options: SocketOptions): Promise<Duplex> {
    this.#forgetClosed()
    const abort = new AbortController()
    if (this.#refuses(options)) abort.abort(connectionError('CONNECTION_ENDED', options))
    const opening = openSocket(this.#dial, options, abort)
    this.#opening.set(opening, { options, abort })
    const socket = await opening
    this.#opening.delete(opening)
    this.#sockets.add(socket)
    return socket
  }

  /** Takes the seconds that postgres.js would wait before it dials again, and gives those that it shall wait. */
  backOff(seconds: number): number {
    if (this.isEnding) return 0
    this.#redialsAt = Math.max(this.#redialsAt, performance.now() + seconds * 1000)
    return seconds
  }

  /**
   * Waits until all queries are done and all connections are closed.
   *
   * @param driverEnded postgres.js's own end, begun just now
   */
  async drain(options: SocketOptions, driverEnded: Promise<void>): Promise<void> {
    this.#ending = options
    this.#abortRefused()
    // Queries that wait for a dial keep postgres.js from its end. If there are none, neither is there a reason to wait.
    const redialsInMs = Math.max(0, this.#redialsAt - performance.now())
    await Promise.race([driverEnded, sleep(redialsInMs, undefined, { ref: false })])
    this.#expectDial()
    for (;;) {
      this.#forgetClosed()
      const restMs = this.#settledAt - performance.now()
      if (this.#opening.size > 0) await Promise.all(this.#opening.keys())
      else if (this.#sockets.size > 0) await Promise.all([...this.#sockets].map(waitForClose))
      else if (restMs > 0) await sleep(restMs)
      else return
    }
  }

  /**
   * Aborts the dials under way, refuses more, and closes the connections: also those that postgres.js has ended, since a
   * server does not notice before it has done its query.
   */
  destroy(): void {
    this.#hasEnded = true
    this.#abortRefused()
    for (const socket of this.#sockets) socket.destroy()
  }

  #forgetClosed(): void {
    for (const socket of this.#sockets) {
      if (!socket.closed) continue
      this.#sockets.delete(socket)
      this.#expectDial() // postgres.js may not have been told yet
    }
  }

  /** postgres.js has pools of its own for `listen` and `subscribe`, which it ends at once, but for what is dialing. */
  #refuses(options: SocketOptions): boolean {
    return this.#hasEnded || (this.#ending !== undefined && options !== this.#ending)
  }

  #abortRefused(): void {
    for (const { options, abort } of this.#opening.values()) {
      if (this.#refuses(options)) abort.abort(connectionError('CONNECTION_ENDED', options))
    }
  }

  #expectDial(): void {
    this.#settledAt = performance.now() + timerSlackMs
  }
}

function waitForClose(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
