import { expect, test } from 'vitest'
import { exactly } from '../src/statistics.ts'
import { describeBar, judge } from '../src/verdict.ts'

test.each([
  ['at most, kept', 1.05, { atMost: 1.05 }, 'met'],
  ['at most, not kept', 1.06, { atMost: 1.05 }, 'missed'],
  ['at least, kept', 0.97, { atLeast: 0.97 }, 'met'],
  ['at least, not kept', 0.96, { atLeast: 0.97 }, 'missed'],
  ['no bar', 1, undefined, 'no bar'],
  ['not a number', Number.NaN, { atMost: 1 }, 'missed'],
] as const)('judges a bar: %s', (_, value, bar, verdict) => {
  expect(judge({ value: exactly(value), bar })).toBe(verdict)
})

test.each([
  [0.94, 'void'],
  [0.95, 'met'],
  [1.05, 'met'],
  [1.06, 'void'],
  [Number.NaN, 'void'],
])('judges by the control: %d is %s', (control, verdict) => {
  expect(judge({ value: exactly(1), bar: { atMost: 1 }, control })).toBe(verdict)
})

test('describes a bar', () => {
  expect(describeBar({ atMost: 0.5 })).toBe('≤ 0.5')
  expect(describeBar({ atLeast: 0.97 })).toBe('≥ 0.97')
  expect(describeBar(undefined)).toBe('')
})
