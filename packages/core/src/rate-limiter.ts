/** A token bucket: so many calls at once, and one more for each interval. A function of the times that it is given. */
export class RateLimiter {
  readonly #capacityMs: number
  readonly #intervalMs: number
  /** The tokens in the bucket, as the time that they took to drip in: whole numbers, which never drift. */
  #savedMs: number
  #updatedAt = 0

  constructor(capacity: number, intervalMs: number) {
    this.#capacityMs = capacity * intervalMs
    this.#intervalMs = intervalMs
    this.#savedMs = this.#capacityMs
  }

  /** Tells how long to wait until a token is there; 0 when one is. */
  waitMs(now: number): number {
    this.#refill(now)
    return Math.max(0, this.#intervalMs - this.#savedMs)
  }

  /** Takes a token. Call it when `waitMs` says 0. */
  take(now: number): void {
    this.#refill(now)
    this.#savedMs -= this.#intervalMs
  }

  #refill(now: number): void {
    // A wall clock that was set back must not drain the bucket.
    const elapsedMs = Math.max(0, now - this.#updatedAt)
    this.#savedMs = Math.min(this.#capacityMs, this.#savedMs + elapsedMs)
    this.#updatedAt = now
  }
}
