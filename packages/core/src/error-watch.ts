import type { Duplex } from 'node:stream'

/**
 * Hears the errors of a socket as long as it is not its driver's: between two phases of a dial nobody else listens, and
 * an error that nobody hears ends the process.
 */
export class ErrorWatch {
  #socket: Duplex | undefined
  #error: Error | undefined

  /** Begins, with a socket that has just been made. */
  start(socket: Duplex): void {
    this.#socket = socket
    socket.on('error', this.#onError)
  }

  /** Throws the error that has come, or says that the socket has ended without one. */
  throwIfEnded(): void {
    if (this.#error !== undefined) throw this.#error
    if (this.#socket?.destroyed === true) throw new Error('the connection was closed')
  }

  /** Leaves the socket to its driver. */
  stop(): void {
    this.#socket?.off('error', this.#onError)
  }

  // A TLS socket on a stream that is no TCP socket says that this has failed, and stays open.
  readonly #onError = (error: Error): void => {
    this.#error ??= error
    this.#socket?.destroy()
  }
}
