import { explainAbort, type Dial } from '@alloydb/core/adapter'
import type { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** Whoever asks for a stream and keeps it: pg's `Connection`, where it is pg that asks. */
export interface StreamOwner {
  stream?: unknown
}

/**
 * Makes what pg takes for a socket that is not connected yet. Its `connect()` dials. Once that is done, pg's listeners
 * and settings are moved to the TLS socket, the owner's `stream` becomes it, and 'connect' is emitted: from then on pg
 * and the socket are alone with each other.
 *
 * The result goes on standing for that socket, in all that it has, does and emits: for those who kept it from before,
 * and for an owner that is not pg's `Connection` and does not let its stream be replaced.
 */
export function createPlaceholder(dial: Dial, owner: StreamOwner | undefined): Duplex {
  const pending = new PendingSocket(dial, (socket) => {
    if (owner?.stream === placeholder) owner.stream = socket
  })
  const current = (): Duplex => pending.socket ?? pending
  const placeholder = new Proxy<Duplex>(pending, {
    get(_, name) {
      const value: unknown = Reflect.get(current(), name)
      if (typeof value !== 'function' || name === 'constructor') return value
      return (...args: unknown[]): unknown => {
        const target = current()
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
        const result = Reflect.apply(method, target, args)
        return result === target ? placeholder : result
      }
    },
    set: (_, name, value) => Reflect.set(current(), name, value),
    has: (_, name) => Reflect.has(current(), name),
    getPrototypeOf: () => Reflect.getPrototypeOf(current()),
  })
  return placeholder
}

/** The time before there is a socket. */
class PendingSocket extends Duplex {
  /** What it was all for. */
  socket: TLSSocket | undefined
  readonly #dial: Dial
  readonly #onConnect: (socket: TLSSocket) => void
  readonly #abort = new AbortController()
  readonly #settings: ((socket: TLSSocket) => void)[] = []
  /** Why the dial has failed. */
  #failure: Error | undefined
  #isEnded = false
  #flush: (() => void) | undefined
  #hasEmittedClose = false

  constructor(dial: Dial, onConnect: (socket: TLSSocket) => void) {
    super({ read() {} })
    this.#dial = dial
    this.#onConnect = onConnect
    // pg says goodbye to a server by a message, for which it would wait, unless its stream is not writable.
    Object.assign(this, { writable: false })
  }

  /** Dials. The host and the port that pg gives are not those of an AlloyDB instance. */
  connect(): this {
    if (!this.destroyed) {
      void this.#dial(this.#abort.signal).then(
        (socket) => this.#handOver(socket),
        (error: unknown) => {
          this.#failure = error as Error
          this.destroy(this.#failure)
        },
      )
    } else if (this.#hasEmittedClose) {
      // pg begins to listen only now, and would wait for ever.
      process.nextTick(() => {
        if (this.errored) this.emit('error', this.errored)
        this.emit('close')
      })
    }
    return this
  }

  /** Gives up: there is nothing yet that could be ended in order. */
  override end(): this {
    this.#isEnded = true
    return this.destroy()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: () => void): void {
    if (this.socket === undefined) {
      this.#flush = () => this._write(chunk, encoding, callback)
    } else {
      this.socket.write(chunk)
      callback()
    }
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#abort.abort(error ?? undefined)
    const finish = (): void => {
      callback(this.#isEnded ? error : explain(error, this.#failure)) // 'error' and 'close' are emitted in the next tick
      process.nextTick(() => {
        this.#hasEmittedClose = true
      })
    }
    // A dial that is aborted has told by the next turn how far it came: why pg, whose time for it is over, had to wait.
    if (this.#failure === undefined) setImmediate(finish)
    else finish()
  }

  setNoDelay(...args: Parameters<TLSSocket['setNoDelay']>): this {
    return this.#later((socket) => socket.setNoDelay(...args))
  }

  setKeepAlive(...args: Parameters<TLSSocket['setKeepAlive']>): this {
    return this.#later((socket) => socket.setKeepAlive(...args))
  }

  setTimeout(...args: Parameters<TLSSocket['setTimeout']>): this {
    return this.#later((socket) => socket.setTimeout(...args))
  }

  ref(): this {
    return this.#later((socket) => socket.ref())
  }

  unref(): this {
    return this.#later((socket) => socket.unref())
  }

  #later(setting: (socket: TLSSocket) => void): this {
    this.#settings.push(setting)
    return this
  }

  #handOver(socket: TLSSocket): void {
    if (this.destroyed) {
      socket.destroy() // nobody waits for it any more
      return
    }
    if (socket.destroyed) {
      this.destroy(socket.errored ?? undefined)
      return
    }
    this.socket = socket
    this.#onConnect(socket)
    for (const setting of this.#settings) setting(socket)
    this.#flush?.()
    moveListeners(this, socket)
    this.emit('connect')
  }
}

/** The failure of a dial, where there is no error but that; else the error, with the failure as its cause. */
function explain(error: Error | null, failure: Error | undefined): Error | null {
  if (error === null) return failure ?? null
  if (failure !== undefined) explainAbort(error, failure)
  return error
}

/** Moves all listeners but those of 'connect', which a socket that is connected does not emit any more. */
function moveListeners(from: EventEmitter, to: EventEmitter): void {
  for (const event of from.eventNames().filter((name) => name !== 'connect')) {
    for (const added of from.rawListeners(event)) {
      from.removeListener(event, added as () => void)
      // What `once` adds is a wrapper around the listener, and bound to its emitter.
      if ('listener' in added) to.once(event, added.listener as () => void)
      else to.on(event, added as () => void)
    }
  }
}
