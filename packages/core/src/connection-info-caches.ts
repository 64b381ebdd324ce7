import { AsyncLocalStorage } from 'node:async_hooks'
import type { AdminApi } from './admin-api.ts'
import type { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { cacheChannel, type CacheEvent } from './diagnostics.ts'
import { fetchConnectionInfo } from './fetch-connection-info.ts'
import type { InstanceUri } from './instance-uri.ts'
import { createKeyPair, type KeyPair } from './key-pair.ts'
import { LazyCache } from './lazy-cache.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RefreshAheadCache } from './refresh-ahead-cache.ts'
import { StaticCache } from './static-cache.ts'
import type { StaticInstances } from './static-connection-info.ts'

/** What the caches of one connector work with. */
export interface CachesOptions {
  /** The connector, for the events to name. */
  readonly connector: object
  readonly adminApi: AdminApi
  readonly strategy: 'background' | 'lazy'
  /** The limit on one refresh, in milliseconds. */
  readonly refreshTimeoutMs: number
  /** A key pair of one's own. */
  readonly keyPair: KeyPair | undefined
  /** Fixed connection info, in place of all that is fetched. */
  readonly staticInstances: StaticInstances | undefined
}

/** At most two refreshes of an instance at once, then one each 30 seconds, first tries and forced ones included. */
export const refreshBurst: number = 2
export const refreshIntervalMs: number = 30_000

/**
 * The connection-info caches of one connector: one for each instance, made at its first connect and kept, with its
 * limit on refreshes, until the connector is closed.
 */
export class ConnectionInfoCaches {
  readonly #options: CachesOptions
  readonly #caches = new Map<string, ConnectionInfoCache>()
  /** That of the connector, for what its connects share. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  #keyPair: Promise<KeyPair> | undefined

  constructor(options: CachesOptions) {
    this.#options = options
    const { keyPair, strategy, staticInstances } = options
    if (keyPair !== undefined) this.#keyPair = Promise.resolve(keyPair)
    // Ahead of the first connect, which finds out by itself if this fails.
    else if (strategy === 'background' && staticInstances === undefined) this.#openKeyPair().catch(() => {})
  }

  /** Gives the cache of an instance. */
  open(instance: InstanceUri): ConnectionInfoCache {
    const known = this.#caches.get(instance.name)
    if (known !== undefined) return known
    const cache = this.#inOwnContext(() => this.#create(instance))
    this.#caches.set(instance.name, cache)
    this.#publish(instance.name, 'add')
    return cache
  }

  /** Ends all refreshes. */
  async close(reason: (instance: string) => AlloyDBError): Promise<void> {
    const caches = [...this.#caches]
    this.#caches.clear()
    await Promise.all(
      caches.map(async ([instance, cache]) => {
        await cache.close(reason(instance))
        this.#publish(instance, 'remove')
      }),
    )
    await this.#keyPair?.catch(() => {})
    this.#keyPair = undefined
  }

  #create(instance: InstanceUri): ConnectionInfoCache {
    const { connector, adminApi, strategy, refreshTimeoutMs, staticInstances } = this.#options
    if (staticInstances !== undefined) return new StaticCache(staticInstances, instance)
    const fetchOptions = {
      connector,
      adminApi,
      keyPair: () => this.#openKeyPair(),
      timeoutMs: refreshTimeoutMs,
    }
    const options = {
      fetch: (signal: AbortSignal) => fetchConnectionInfo(instance, fetchOptions, signal),
      limiter: new RateLimiter(refreshBurst, refreshIntervalMs),
      publish: (action: CacheEvent['action'], delayMs: number) =>
        this.#publish(instance.name, action, delayMs),
    }
    return strategy === 'lazy' ? new LazyCache(options) : new RefreshAheadCache(options)
  }

  /** The key pair is made once. A failure is not kept. */
  #openKeyPair(): Promise<KeyPair> {
    this.#keyPair ??= createKeyPair().catch((error: unknown) => {
      this.#keyPair = undefined
      throw error
    })
    return this.#keyPair
  }

  #publish(instance: string, action: CacheEvent['action'], delayMs?: number): void {
    if (!cacheChannel.hasSubscribers) return
    const event: CacheEvent = { connector: this.#options.connector, instance, action }
    cacheChannel.publish(delayMs === undefined ? event : { ...event, delayMs })
  }
}
