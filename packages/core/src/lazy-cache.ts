import { within } from './abortable.ts'
import type { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { Refresher, type RefresherOptions } from './refresher.ts'
import { expiryBufferMs } from './refresh-schedule.ts'

/** A refresh takes a second or two. One that takes longer is not waited for while the old certificate is valid. */
const longestWaitMs = 5_000

/**
 * Refreshes when a dial needs it, for places where the CPU sleeps between requests and no timer can be relied on.
 *
 * A dial waits only where the certificate has less than four minutes left, and then not for long. Once half of the certificate's time is over,
 * a dial starts a refresh and goes on with what there is.
 */
export class LazyCache implements ConnectionInfoCache {
  readonly #refresher: Refresher

  constructor(options: RefresherOptions) {
    this.#refresher = new Refresher(options)
  }

  async get(): Promise<ConnectionInfo> {
    const { current, retryDelayMs } = this.#refresher
    const now = Date.now()
    if (current === undefined || now >= current.expiresAt) return this.#refresher.refreshForDial()
    const halfLifeAt = (current.fetchedAt + current.expiresAt) / 2
    if (now < halfLifeAt || retryDelayMs > 0) return current

    // The old certificate is good enough while it is valid. The refresh itself publishes its failure.
    const refreshed = this.#refresher.refresh().catch(() => current)
    if (now < current.expiresAt - expiryBufferMs) return current
    const info = (await within(refreshed, longestWaitMs)) ?? current
    return Date.now() < info.expiresAt ? info : this.#refresher.refreshForDial()
  }

  replace(failed: ConnectionInfo): Promise<ConnectionInfo | undefined> {
    return this.#refresher.replace(failed)
  }

  close(reason: AlloyDBError): Promise<void> {
    return this.#refresher.close(reason)
  }
}
