import { expect, test } from 'vitest'
import { AccessTokens } from '../src/access-tokens.ts'
import { Clock } from '../src/clock.ts'

test('tokens that have expired are known for a while, and do not pile up', () => {
  const tokens = new AccessTokens(new Clock())
  const valid = tokens.issue('a@example.com', [])
  const first = tokens.issue('a@example.com', [], 0)
  expect(tokens.find(first.value)).toBe(first)
  for (let issued = 0; issued < 1_000; issued++) tokens.issue('a@example.com', [], 0)
  expect(tokens.find(first.value)).toBeUndefined()
  expect(tokens.find(valid.value)).toBe(valid)
})
