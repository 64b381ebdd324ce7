import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { watchEventLoopDelay } from '../src/event-loop-delay.ts'

test('counts a block right before the end', async () => {
  const stop = watchEventLoopDelay()
  await sleep(5)
  const until = performance.now() + 100
  while (performance.now() < until);
  expect(stop().maxMs).toBeGreaterThan(90)
})

test('counts what was due while the event loop was blocked, not the block alone', async () => {
  const stop = watchEventLoopDelay()
  await sleep(5)
  const until = performance.now() + 100
  while (performance.now() < until);
  await sleep(5)
  const { p99Ms, maxMs } = stop()
  expect(maxMs).toBeGreaterThan(90)
  expect(p99Ms).toBeGreaterThan(maxMs / 2)
})
