import { describe, expect, test } from 'vitest'
import { backoffMs } from '../src/backoff.ts'

describe('backoffMs', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [7, 64_000],
    [8, 120_000],
    [1_000, 120_000],
  ])('after %i failures waits %i ms at most', (failures, ms) => {
    expect(backoffMs(failures, 0)).toBe(ms)
  })

  test('takes up to a half off at random', () => {
    expect(backoffMs(1, 0.5)).toBe(750)
    expect(backoffMs(1, 0.999_999)).toBe(500)
  })
})
