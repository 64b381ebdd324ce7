import type { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { Refresher, type RefresherOptions } from './refresher.ts'
import { refreshDelayMs, retryDelayMs } from './refresh-schedule.ts'

/**
 * Refreshes in the background, well ahead of the certificate's expiry, so that no dial waits for it.
 *
 * Timers stand still while a machine sleeps or its CPU is throttled, so each dial checks the expiry by the wall clock
 * as well. The timers do not keep the process alive.
 */
export class RefreshAheadCache implements ConnectionInfoCache {
  readonly #refresher: Refresher
  readonly #publish: RefresherOptions['publish']
  #timer: NodeJS.Timeout | undefined

  constructor(options: RefresherOptions) {
    this.#publish = options.publish
    this.#refresher = new Refresher(options, () => this.#schedule())
  }

  async get(): Promise<ConnectionInfo> {
    const { current, failure, retryDelayMs } = this.#refresher
    if (current === undefined || Date.now() >= current.expiresAt) return this.#refresher.refreshForDial()
    // A failure that no retry mends has stopped the timer. Somebody may have mended it since.
    if (failure?.retryable === false && retryDelayMs === 0) this.#refreshUnwatched()
    return current
  }

  replace(failed: ConnectionInfo): Promise<ConnectionInfo | undefined> {
    return this.#refresher.replace(failed)
  }

  async close(reason: AlloyDBError): Promise<void> {
    clearTimeout(this.#timer)
    await this.#refresher.close(reason)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const delayMs = this.#nextDelayMs()
    if (delayMs === undefined) return
    this.#publish('schedule', delayMs)
    this.#timer = setTimeout(() => this.#refreshUnwatched(), delayMs).unref()
  }

  /** How long to wait until the next refresh; none follows a failure that no retry mends. */
  #nextDelayMs(): number | undefined {
    const { current, failure, retryDelayMs: allowedInMs } = this.#refresher
    if (failure === undefined) {
      return current && refreshDelayMs(Date.now(), current.expiresAt, Math.random())
    }
    if (!failure.retryable || current === undefined) return failure.retryable ? allowedInMs : undefined
    return Math.max(allowedInMs, retryDelayMs(Date.now(), current.expiresAt, Math.random()))
  }

  /** Refreshes with nobody waiting. A failure is published by the refresh itself, and remembered by the refresher. */
  #refreshUnwatched(): void {
    this.#refresher.refresh().catch(() => {})
  }
}
