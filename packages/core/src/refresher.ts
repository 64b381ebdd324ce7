import { AsyncLocalStorage } from 'node:async_hooks'
import { sleep } from './abortable.ts'
import { AlloyDBError, copyError } from './alloydb-error.ts'
import { backoffMs } from './backoff.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** For how long a failure that another try would not mend is given to every dial, before one may try again. */
const negativeCacheMs = 10_000
/** A dial waits for the next try if that is no further away than this, and fails with the last error otherwise. */
const longestWaitForRetryMs = 5_000

interface Failure {
  readonly error: AlloyDBError
  /** How many refreshes in a row have failed. */
  readonly count: number
  readonly failedAt: number
  /** The earliest time for the next try. */
  readonly retryAt: number
}

/** What a refresher is told to do, and whom it tells. */
export interface RefresherOptions {
  /** Fetches new connection info; its own time limit included. */
  readonly fetch: (signal: AbortSignal) => Promise<ConnectionInfo>
  readonly limiter: RateLimiter
  /** Told that a refresh waits for the limiter, or that the next one will start by itself. */
  readonly publish: (action: 'wait' | 'schedule', delayMs: number) => void
}

/**
 * Keeps one instance's connection info, and fetches it anew when told to: one fetch at a time, limited, with the last
 * failure remembered. When to refresh is for its users to say.
 */
export class Refresher {
  readonly #options: RefresherOptions
  readonly #onEnd: (() => void) | undefined
  readonly #closing = new AbortController()
  /** A refresh is for all that connect, and so is the timer of the next one: not for the request that begins it. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  #current: ConnectionInfo | undefined
  #failure: Failure | undefined
  #inFlight: Promise<ConnectionInfo> | undefined

  /** @param onEnd called after each refresh, failed or not, unless it was ended by `close` */
  constructor(options: RefresherOptions, onEnd?: () => void) {
    this.#options = options
    this.#onEnd = onEnd
  }

  /** The newest connection info; a failed refresh leaves it in place. Its certificate may have expired. */
  get current(): ConnectionInfo | undefined {
    return this.#current
  }

  /** Why the last refresh failed; `undefined` after one that succeeded. */
  get failure(): AlloyDBError | undefined {
    return this.#failure?.error
  }

  /** How long to wait until the next refresh may start after one that failed; 0 where it may start now. */
  get retryDelayMs(): number {
    if (this.#failure === undefined) return 0
    const { failedAt, retryAt } = this.#failure
    const now = Date.now()
    // A wall clock that was set back must not keep a failure for longer.
    return now < failedAt ? 0 : Math.max(0, retryAt - now)
  }

  /** Refreshes, or joins the refresh under way. */
  refresh(): Promise<ConnectionInfo> {
    this.#inFlight ??= this.#inOwnContext(() => this.#refresh()).finally(() => {
      this.#inFlight = undefined
    })
    return this.#inFlight
  }

  /**
   * Refreshes for a dial that cannot go on without. While the last failure stands, that error is thrown anew instead,
   * unless the next try is near enough to wait for.
   */
  async refreshForDial(): Promise<ConnectionInfo> {
    const failure = this.#failure
    if (failure !== undefined && this.#inFlight === undefined) {
      const waitMs = this.retryDelayMs
      if (waitMs > (failure.error.retryable ? longestWaitForRetryMs : 0)) throw copyError(failure.error)
      if (waitMs > 0) {
        await sleep(waitMs, this.#closing.signal)
        // Somebody else, or a timer, may have tried in the meantime.
        if (this.#failure === undefined && this.#current !== undefined) return this.#current
        if (this.#failure !== failure) return this.refreshForDial()
      }
    }
    try {
      return await this.refresh()
    } catch (error) {
      throw AlloyDBError.is(error) ? copyError(error) : error
    }
  }

  /**
   * Replaces connection info that a dial has failed with. Joins a refresh under way, keeps info that is newer than
   * what failed, and gives `undefined` where no refresh is allowed now or where it failed.
   *
   * @throws ALLOYDB_INSTANCE_NOT_FOUND where the instance is gone, which is why the dial has failed
   */
  async replace(failed: ConnectionInfo): Promise<ConnectionInfo | undefined> {
    if (this.#current !== failed) return this.#current
    const mayStart = this.retryDelayMs === 0 && this.#options.limiter.waitMs(Date.now()) === 0
    if (this.#inFlight !== undefined || mayStart) {
      // The failure is published; the dial has an error of its own.
      const renewed = await this.refresh().catch(() => undefined)
      if (renewed !== undefined) return renewed
    }
    const failure = this.#failure?.error
    if (failure?.code === 'ALLOYDB_INSTANCE_NOT_FOUND') throw copyError(failure)
    return undefined
  }

  /** Aborts the refresh under way and waits for its end. No refresh starts afterwards. */
  async close(reason: AlloyDBError): Promise<void> {
    this.#closing.abort(reason)
    await this.#inFlight?.catch(() => undefined)
    this.#current = undefined
  }

  async #refresh(): Promise<ConnectionInfo> {
    const { fetch, limiter, publish } = this.#options
    const { signal } = this.#closing
    signal.throwIfAborted()
    try {
      const waitMs = limiter.waitMs(Date.now())
      if (waitMs > 0) {
        publish('wait', waitMs)
        await sleep(waitMs, signal)
      }
      limiter.take(Date.now())
      this.#current = await fetch(signal)
      this.#failure = undefined
      return this.#current
    } catch (error) {
      if (!signal.aborted && AlloyDBError.is(error)) this.#failure = this.#describe(error)
      throw error
    } finally {
      if (!signal.aborted) this.#onEnd?.()
    }
  }

  #describe(error: AlloyDBError): Failure {
    const now = Date.now()
    const count = (this.#failure?.count ?? 0) + 1
    const delayMs = error.retryable ? backoffMs(count, Math.random()) : negativeCacheMs
    const allowedAt = now + this.#options.limiter.waitMs(now)
    return { error, count, failedAt: now, retryAt: Math.max(now + delayMs, allowedAt, error.retryAt ?? 0) }
  }
}
