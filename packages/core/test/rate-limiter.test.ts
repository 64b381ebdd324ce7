import { describe, expect, test } from 'vitest'
import { RateLimiter } from '../src/rate-limiter.ts'

describe('RateLimiter', () => {
  test('lets a burst through, then one call for each interval', () => {
    const limiter = new RateLimiter(2, 30_000)
    const waits = [0, 0, 0, 10_000, 30_000, 30_000].map((now) => {
      const wait = limiter.waitMs(now)
      if (wait === 0) limiter.take(now)
      return wait
    })
    expect(waits).toEqual([0, 0, 30_000, 20_000, 0, 30_000])
  })

  test('never saves up more than its burst', () => {
    const limiter = new RateLimiter(2, 30_000)
    limiter.take(0)
    limiter.take(3_600_000)
    limiter.take(3_600_000)
    expect(limiter.waitMs(3_600_000)).toBe(30_000)
  })

  test('is not drained by a clock that is set back', () => {
    const limiter = new RateLimiter(2, 30_000)
    limiter.take(1_000_000)
    expect(limiter.waitMs(0)).toBe(0)
    limiter.take(0)
    expect(limiter.waitMs(0)).toBe(30_000)
    expect(limiter.waitMs(30_000)).toBe(0)
  })
})
