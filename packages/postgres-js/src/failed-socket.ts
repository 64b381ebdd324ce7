import { Duplex } from 'node:stream'

const cancelRequestCode = 80877102

/** The length of a CancelRequest, in bytes. No other message that begins a connection is as short. */
export const cancelRequestLength = 16

/**
 * Stands for a socket that could not be opened, in the one shape that postgres.js recovers from: it fails at the first
 * write, or when that does not come, and then closes. A promise that is rejected would leave the connection "connecting"
 * for ever, and an earlier error would leave the startup message in front of the next connection's.
 */
export class FailedSocket extends Duplex {
  /** Makes postgres.js say goodbye by `end()` when it gives up before its first write, and so have the end it waits for. */
  readonly readyState = 'open'
  /** Older versions of postgres.js would use it again for their next dial, as one can a socket that is not encrypted. */
  readonly encrypted = true
  #error: Error | null

  constructor(error: Error) {
    super({ emitClose: false, read() {} })
    this.#error = error
    // postgres.js writes in the turn after it has got the socket, unless it has given up by then, and never does.
    setImmediate(() => setImmediate(() => this.destroy()))
  }

  override _write(chunk: Buffer): void {
    const isCancelRequest = chunk.length === cancelRequestLength && chunk.readInt32BE(4) === cancelRequestCode
    // Nobody is told whether a cancel arrives, and postgres.js's users do not wait for it: an error would have no
    // handler, and end the process.
    if (isCancelRequest) this.#error = null
    this.destroy()
  }

  override _destroy(_: Error | null, callback: (error: Error | null) => void): void {
    callback(this.#error) // 'error' is emitted in the next tick
    // A net.Socket tells whether it had an error. Without one, postgres.js would dial again at once, and for ever.
    process.nextTick(() => this.emit('close', this.#error !== null))
  }
}
