/**
 * Lets so many TLS handshakes run at once, first come first served: each costs the event loop some milliseconds of
 * cryptography, and a burst of a thousand would stop it for seconds.
 */
export class HandshakeLimiter {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(limit: number) {
    this.#free = limit
  }

  /** Runs the handshake when there is room for it. Rejects with the signal's reason when that is aborted before. */
  async run<T>(signal: AbortSignal, handshake: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await this.#wait(signal)
    try {
      return await handshake()
    } finally {
      this.#release()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = (): void => {
        this.#waiting.delete(onTurn)
        reject(signal.reason as Error)
      }
      signal.throwIfAborted()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(onTurn)
    })
  }

  /** Hands the place to the first in the queue. */
  #release(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
    } else {
      this.#waiting.delete(next)
      next()
    }
  }
}
