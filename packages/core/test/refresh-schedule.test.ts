import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refreshDelayMs, retryDelayMs } from '../src/refresh-schedule.ts'

const minute = 60_000
const now = Date.parse('2026-01-01T00:00:00Z')

describe('refreshDelayMs', () => {
  test.each([
    ['4 h left: after 2 h', 240, 120],
    ['1 h left: after 30 min', 60, 30],
    ['just under 1 h left: 4 min before the expiry', 59, 55],
    ['5 min left: after 1 min', 5, 1],
    ['4 min left: now', 4, 0],
    ['3 min left: now', 3, 0],
    ['expired: now', -10, 0],
  ])('%s', (_, leftMinutes, delayMinutes) => {
    expect(refreshDelayMs(now, now + leftMinutes * minute, 0)).toBe(delayMinutes * minute)
  })

  test('takes up to two thirds off at random, and never makes a refresh later', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -60, max: 24 * 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (left, random) => {
          const expiresAt = now + left * minute
          const latest = refreshDelayMs(now, expiresAt, 0)
          const delay = refreshDelayMs(now, expiresAt, random)
          expect(delay).toBeLessThanOrEqual(latest)
          expect(delay).toBeGreaterThanOrEqual(Math.floor(latest / 3))
        },
      ),
    )
  })
})

test('no delay is longer than a timer can wait, however wrong the clock is', () => {
  const year = 365 * 24 * 60 * minute
  expect(refreshDelayMs(now, now + year, 0)).toBe(2 ** 31 - 1)
  expect(retryDelayMs(now, now + year, 0)).toBe(2 ** 31 - 1)
})

describe('retryDelayMs', () => {
  test.each([
    ['1 h left: after 15 min', 60, 15],
    ['4 min left: after 1 min', 4, 1],
    ['expired: now', -10, 0],
  ])('%s', (_, leftMinutes, delayMinutes) => {
    expect(retryDelayMs(now, now + leftMinutes * minute, 0)).toBe(delayMinutes * minute)
  })

  test('takes up to two thirds off at random', () => {
    expect(retryDelayMs(now, now + 60 * minute, 0.5)).toBe(10 * minute)
    expect(retryDelayMs(now, now + 60 * minute, 0.999_999)).toBeCloseTo(5 * minute, -1)
  })
})
