import { afterEach, expect, test } from 'vitest'
import { FakeClock } from '../src/fleet/fake-clock.ts'

const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis
const realNow = Date.now
afterEach(() => {
  globalThis.setTimeout = realSetTimeout
  globalThis.clearTimeout = realClearTimeout
  Date.now = realNow
})

test('runs timers in the order of their times, and at them', async () => {
  const clock = new FakeClock(1_000)
  const ran: [string, number][] = []
  const note = (name: string) => () => void ran.push([name, Date.now()])
  for (const delay of [50, 10, 40, 20, 30, 10]) setTimeout(note(String(delay)), delay)
  const cleared = setTimeout(note('cleared'), 25)
  clearTimeout(cleared)
  setTimeout(() => void Promise.resolve().then(() => setTimeout(note('set later'), 5)), 30)
  await clock.runUntil(1_045)
  expect(ran).toEqual([
    ['10', 1_010],
    ['10', 1_010],
    ['20', 1_020],
    ['30', 1_030],
    ['set later', 1_035],
    ['40', 1_040],
  ])
  expect(Date.now()).toBe(1_045)
})
