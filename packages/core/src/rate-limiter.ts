/** A token bucket: so many calls at once, and one more for each interval. A function of the times that it is given. */
export class RateLimiter {
  readonly #capacity: number
  readonly #intervalMs: number
  #tokens: number
  #updatedAt = -Infinity

  constructor(capacity: number, intervalMs: number) {
    this.#capacity = capacity
    this.#intervalMs = intervalMs
    this.#tokens = capacity
  }

  /** Tells how long to wait until a token is there; 0 when one is. */
  waitMs(now: number): number {
    this.#refill(now)
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#intervalMs)
  }

  /** Takes a token. Call it when `waitMs` says 0. */
  take(now: number): void {
    this.#refill(now)
    this.#tokens -= 1
  }

  #refill(now: number): void {
    // A wall clock that was set back must not drain the bucket.
    const elapsed = Math.max(0, now - this.#updatedAt)
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsed / this.#intervalMs)
    this.#updatedAt = now
  }
}
