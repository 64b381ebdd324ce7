import { expect, test } from 'vitest'
import { RequestLog } from '../src/request-log.ts'

test('the last ten thousand steps are kept, and not many more', () => {
  const log = new RequestLog()
  for (let number = 0; number < 25_000; number++) log.open('tcp', { reason: String(number) })
  expect(log.records.length).toBeGreaterThanOrEqual(10_000)
  expect(log.records.length).toBeLessThanOrEqual(11_000)
  const numbers = log.records.map(({ reason }) => Number(reason))
  expect(numbers).toEqual(numbers.map((_, index) => 25_000 - numbers.length + index))
})
