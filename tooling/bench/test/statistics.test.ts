import { describe, expect, test } from 'vitest'
import { quantile, ratios, seededRandom, shuffle, summarize } from '../src/statistics.ts'

test('quantile finds the value at a part of the samples, between two where it falls there', () => {
  const samples = [40, 10, 30, 20]
  expect(quantile(samples, 0)).toBe(10)
  expect(quantile(samples, 0.5)).toBe(25)
  expect(quantile(samples, 1)).toBe(40)
})

test('summarize is not moved by a few samples that something has disturbed', () => {
  const { median, low, high } = summarize([1, 1, 1, 2, 2, 2, 3, 3, 3, 1_000])
  expect([low, median, high]).toEqual([1.25, 2, 3])
})

test('ratios divides within a round, so that a slow round cancels out', () => {
  expect(ratios([2, 200, 4], [1, 100, 2])).toEqual([2, 2, 2])
})

describe('seededRandom', () => {
  test('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  test('spreads them over [0, 1)', () => {
    const numbers = Array.from({ length: 10_000 }, seededRandom(1))
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1)
  })
})

test('shuffle keeps all items, in an order of its own', () => {
  const items = Array.from({ length: 20 }, (_, index) => index)
  const shuffled = shuffle(items, seededRandom(1))
  expect(shuffled).not.toEqual(items)
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items)
})
