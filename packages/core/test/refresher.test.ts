import { createSecureContext } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AlloyDBError, type AlloyDBErrorCode } from '../src/index.ts'
import type { ConnectionInfo } from '../src/connection-info.ts'
import type { ConnectionInfoCache } from '../src/connection-info-cache.ts'
import { parseInstanceUri } from '../src/instance-uri.ts'
import { LazyCache } from '../src/lazy-cache.ts'
import { RateLimiter } from '../src/rate-limiter.ts'
import { RefreshAheadCache } from '../src/refresh-ahead-cache.ts'

const instance = parseInstanceUri('projects/p/locations/r/clusters/c/instances/i')
const secureContext = createSecureContext()
const minute = 60_000
const hour = 60 * minute

/** A certificate authority and a network that do what the test says; the clock is the only thing faked. */
class Service {
  lifetimeMs = hour
  fetches = 0
  answer: () => Promise<void> = async () => {}
  readonly waits: [action: string, delayMs: number][] = []

  readonly options = {
    limiter: new RateLimiter(2, 30_000),
    publish: (action: string, delayMs: number) => void this.waits.push([action, delayMs]),
    fetch: async (signal: AbortSignal): Promise<ConnectionInfo> => {
      this.fetches += 1
      await Promise.race([
        this.answer(),
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        }),
      ])
      const fetchedAt = Date.now()
      const addresses = { hosts: { PRIVATE: '127.0.0.1' }, port: 5433 }
      return { instance, addresses, secureContext, fetchedAt, expiresAt: fetchedAt + this.lifetimeMs }
    },
  }

  failing(code: AlloyDBErrorCode, retryAt?: number): void {
    this.answer = () => Promise.reject(new AlloyDBError(code, `${code} says the service`, { retryAt }))
  }
}

let service: Service
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
    now: Date.parse('2026-01-01T00:00:00Z'),
  })
  vi.spyOn(Math, 'random').mockReturnValue(0)
  service = new Service()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const closed = new AlloyDBError('ALLOYDB_CONNECTOR_CLOSED', 'closed')

describe.each([
  ['refresh-ahead', RefreshAheadCache],
  ['lazy', LazyCache],
] as const)('the %s cache', (_, Cache) => {
  let cache: ConnectionInfoCache
  beforeEach(() => {
    cache = new Cache(service.options)
  })
  afterEach(() => cache.close(closed))

  test('fetches nothing before it is asked', () => {
    expect(service.fetches).toBe(0)
  })

  test('fetches once for many who ask at once', async () => {
    const infos = await Promise.all(Array.from({ length: 50 }, () => cache.get()))
    expect(new Set(infos).size).toBe(1)
    expect(service.fetches).toBe(1)
  })

  test('fetches anew, and waits, once the machine has slept past the expiry', async () => {
    const before = await cache.get()
    vi.setSystemTime(Date.now() + 8 * hour) // no timer has run: the machine slept
    const after = await cache.get()
    expect(after).not.toBe(before)
    expect(after.expiresAt).toBeGreaterThan(Date.now())
  })

  test('gives each who waits an error of his own when the fetch fails', async () => {
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    const [first, second] = (await Promise.allSettled([cache.get(), cache.get()])) as PromiseRejectedResult[]
    expect(service.fetches).toBe(1)
    expect(first?.reason).toMatchObject({ code: 'ALLOYDB_ADMIN_API_UNAVAILABLE' })
    expect(second?.reason).toMatchObject({ code: 'ALLOYDB_ADMIN_API_UNAVAILABLE' })
    expect(first?.reason).not.toBe(second?.reason)
  })

  test('lets one who asks soon after a passing failure wait for the next try', async () => {
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    await expect(cache.get()).rejects.toThrow()
    service.answer = async () => {}
    const waiting = cache.get()
    await vi.advanceTimersByTimeAsync(999)
    expect(service.fetches).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await expect(waiting).resolves.toBeDefined()
    expect(service.fetches).toBe(2)
  })

  test('fails at once with what is known while the next try is far away', async () => {
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE', Date.now() + 2 * minute)
    await expect(cache.get()).rejects.toThrow()
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_ADMIN_API_UNAVAILABLE' })
    expect(service.fetches).toBe(1)
  })

  test('keeps a failure that no retry mends for ten seconds, then lets one who asks try again', async () => {
    service.failing('ALLOYDB_PERMISSION_DENIED')
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_PERMISSION_DENIED' })
    service.answer = async () => {} // the permission has been granted
    await vi.advanceTimersByTimeAsync(9_999)
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_PERMISSION_DENIED' })
    expect(service.fetches).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await expect(cache.get()).resolves.toBeDefined()
  })

  test('keeps no failure for longer when the clock is set back', async () => {
    service.failing('ALLOYDB_PERMISSION_DENIED')
    await expect(cache.get()).rejects.toThrow()
    service.answer = async () => {}
    vi.setSystemTime(Date.now() - hour)
    await expect(cache.get()).resolves.toBeDefined()
  })

  test('replaces what has failed once, for all who failed with it', async () => {
    const failed = await cache.get()
    const replaced = await Promise.all([cache.replace(failed), cache.replace(failed)])
    expect(service.fetches).toBe(2)
    expect(replaced[0]).toBe(replaced[1])
    expect(await cache.get()).toBe(replaced[0])
  })

  test('never replaces what is newer than what has failed', async () => {
    const failed = await cache.get()
    const newer = await cache.replace(failed)
    expect(await cache.replace(failed)).toBe(newer)
    expect(service.fetches).toBe(2)
  })

  test('joins a fetch under way to replace what has failed', async () => {
    const failed = await cache.get()
    const slow = Promise.withResolvers<void>()
    service.answer = () => slow.promise
    const replacing = [cache.replace(failed), cache.replace(failed)]
    expect(service.fetches).toBe(2)
    slow.resolve()
    expect(await replacing[0]).toBe(await replacing[1])
  })

  test('replaces nothing where the limit is used up', async () => {
    const first = await cache.get()
    const second = await cache.replace(first)
    expect(second).toBeDefined()
    expect(await cache.replace(second as ConnectionInfo)).toBeUndefined()
    expect(service.fetches).toBe(2)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await cache.replace(second as ConnectionInfo)).toBeDefined()
  })

  test('keeps what is valid when replacing it fails', async () => {
    const failed = await cache.get()
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    expect(await cache.replace(failed)).toBeUndefined()
    expect(await cache.get()).toBe(failed)
  })

  test('says that the instance is gone to all whose dials fail, until it is found again', async () => {
    const failed = await cache.get()
    service.failing('ALLOYDB_INSTANCE_NOT_FOUND')
    for (let dials = 0; dials < 3; dials += 1) {
      await expect(cache.replace(failed)).rejects.toMatchObject({ code: 'ALLOYDB_INSTANCE_NOT_FOUND' })
    }
    expect(service.fetches).toBe(2)
    service.answer = async () => {}
    await vi.advanceTimersByTimeAsync(30_000)
    const found = await cache.replace(failed)
    expect(found).not.toBe(failed)
    expect(await cache.get()).toBe(found)
  })

  test('aborts the fetch under way when it is closed, and fetches no more', async () => {
    service.answer = () => new Promise(() => {})
    const waiting = cache.get()
    const [outcome] = await Promise.allSettled([waiting, cache.close(closed)])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ALLOYDB_CONNECTOR_CLOSED' } })
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_CONNECTOR_CLOSED' })
    await vi.advanceTimersByTimeAsync(24 * hour)
    expect(service.fetches).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('waits for the limit where a third fetch within half a minute cannot be put off', async () => {
    service.lifetimeMs = 1_000
    await cache.get()
    vi.setSystemTime(Date.now() + 1_000)
    await cache.get()
    vi.setSystemTime(Date.now() + 1_000)
    const waiting = cache.get()
    await vi.advanceTimersByTimeAsync(27_000)
    expect(service.fetches).toBe(2)
    expect(service.waits.filter(([action]) => action === 'wait')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    await waiting
    expect(service.fetches).toBe(3)
  })
})

describe('the refresh-ahead cache', () => {
  let cache: RefreshAheadCache
  beforeEach(() => {
    cache = new RefreshAheadCache(service.options)
  })
  afterEach(() => cache.close(closed))

  test('has one timer, however it came to its connection info', async () => {
    await cache.replace(await cache.get())
    expect(service.fetches).toBe(2)
    expect(vi.getTimerCount()).toBe(1)
  })

  test('has no timer once it was closed in the middle of a refresh', async () => {
    await cache.get()
    const { promise, reject } = Promise.withResolvers<void>()
    service.answer = () => promise
    await vi.advanceTimersByTimeAsync(30 * minute)
    expect(service.fetches).toBe(2)
    await cache.close(closed)
    reject(new AlloyDBError('ALLOYDB_ADMIN_API_UNAVAILABLE', 'too late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    [4_000, 'waits for a try that is four seconds away', 2],
    [6_000, 'fails at once where the next try is six seconds away', 1],
  ])('%i ms: %s', async (delayMs, _, fetches) => {
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE', Date.now() + delayMs)
    await expect(cache.get()).rejects.toThrow('says the service')
    service.answer = async () => {}
    const outcome = cache.get().then(
      () => 2,
      () => 1,
    )
    await vi.advanceTimersByTimeAsync(delayMs - 1)
    expect(service.fetches).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toBe(fetches)
  })

  test('fetches anew by itself, at half of the time that is left', async () => {
    const first = await cache.get()
    await vi.advanceTimersByTimeAsync(30 * minute - 1)
    expect(service.fetches).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(service.fetches).toBe(2)
    expect(await cache.get()).not.toBe(first)
    expect(service.waits).toEqual([
      ['schedule', 30 * minute],
      ['schedule', 30 * minute],
    ])
  })

  test('keeps what is valid through failures, which it retries within what is left, and recovers', async () => {
    const first = await cache.get()
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    await vi.advanceTimersByTimeAsync(30 * minute)
    expect(await cache.get()).toBe(first)
    await vi.advanceTimersByTimeAsync(25 * minute)
    expect(await cache.get()).toBe(first)
    const [, ...delays] = service.waits.map(([, delayMs]) => delayMs)
    expect(delays).toEqual([450_000, 337_500, 253_125, 189_843, 142_383, 106_787, 80_090])
    service.answer = async () => {}
    await vi.advanceTimersByTimeAsync(2 * minute)
    expect(await cache.get()).not.toBe(first)
  })

  test('retries ever later once nothing is valid any more', async () => {
    await cache.get()
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    vi.setSystemTime(Date.now() + hour)
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_ADMIN_API_UNAVAILABLE' })
    await vi.advanceTimersByTimeAsync(5 * minute)
    const delays = service.waits.slice(1).map(([, delayMs]) => delayMs)
    expect(delays).toEqual([1_000, 29_000, 30_000, 30_000, 30_000, 32_000, 64_000, 120_000])
  })

  test('stops its timer at a failure that no retry mends; a later connect starts it again', async () => {
    const first = await cache.get()
    service.failing('ALLOYDB_PERMISSION_DENIED')
    await vi.advanceTimersByTimeAsync(30 * minute)
    expect(service.fetches).toBe(2)
    await vi.advanceTimersByTimeAsync(20 * minute)
    expect(service.fetches).toBe(2)
    expect(vi.getTimerCount()).toBe(0)

    service.answer = async () => {}
    expect(await cache.get()).toBe(first) // does not wait
    await vi.advanceTimersByTimeAsync(0)
    expect(await cache.get()).not.toBe(first)
    expect(vi.getTimerCount()).toBe(1)
  })

  test('honours the time that the service names for another try', async () => {
    await cache.get()
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE', Date.now() + 45 * minute)
    await vi.advanceTimersByTimeAsync(45 * minute - 1)
    expect(service.fetches).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(service.fetches).toBe(3)
  })

  test('has no timer left when it is closed', async () => {
    await cache.get()
    expect(vi.getTimerCount()).toBe(1)
    await cache.close(closed)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('has no timer that keeps the process alive', async () => {
    vi.useRealTimers()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await cache.get()
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before)
  })
})

describe('the lazy cache', () => {
  let cache: LazyCache
  beforeEach(() => {
    cache = new LazyCache(service.options)
  })
  afterEach(() => cache.close(closed))

  test('never fetches by itself, and has no timer', async () => {
    await cache.get()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(24 * hour)
    expect(service.fetches).toBe(1)
  })

  test('past half of the time, fetches without letting anybody wait', async () => {
    const first = await cache.get()
    vi.setSystemTime(Date.now() + 30 * minute - 1)
    expect(await cache.get()).toBe(first)
    expect(service.fetches).toBe(1)
    vi.setSystemTime(Date.now() + 1)
    expect(await cache.get()).toBe(first)
    expect(service.fetches).toBe(2)
    await vi.advanceTimersByTimeAsync(0)
    expect(await cache.get()).not.toBe(first)
  })

  test('within four minutes of the expiry, lets the caller wait', async () => {
    const first = await cache.get()
    vi.setSystemTime(Date.now() + 56 * minute)
    expect(await cache.get()).not.toBe(first)
    expect(service.fetches).toBe(2)
  })

  test('gives no certificate that expired while a new one was waited for', async () => {
    await cache.get()
    vi.setSystemTime(Date.now() + 59 * minute)
    service.answer = async () => {
      vi.setSystemTime(Date.now() + 2 * minute)
      throw new AlloyDBError('ALLOYDB_PERMISSION_DENIED', 'slow, and no')
    }
    await expect(cache.get()).rejects.toMatchObject({ code: 'ALLOYDB_PERMISSION_DENIED' })
  })

  test('within four minutes of the expiry, does not wait long for what does not answer', async () => {
    const first = await cache.get()
    vi.setSystemTime(Date.now() + 57 * minute)
    service.answer = () => new Promise(() => {})
    const asked = cache.get()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await asked).toBe(first)
    expect(service.fetches).toBe(2)
  })

  test('within four minutes of the expiry, goes on with the old where no new can be had', async () => {
    const first = await cache.get()
    vi.setSystemTime(Date.now() + 57 * minute)
    service.failing('ALLOYDB_ADMIN_API_UNAVAILABLE')
    expect(await cache.get()).toBe(first)
    expect(service.fetches).toBe(2)
    expect(await cache.get()).toBe(first) // the next try is not due
    expect(service.fetches).toBe(2)
  })
})
