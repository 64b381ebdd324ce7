import { quantile } from './statistics.ts'

const intervalMs = 1

/** How long something that is due has to wait for the event loop. */
export interface EventLoopDelay {
  readonly p99Ms: number
  readonly maxMs: number
}

/**
 * Watches how late a timer is that is due each millisecond, until the returned function is called.
 *
 * While the event loop is blocked, no timer runs, and one long delay would stand for all those that were due in the
 * meantime. They are put in: a block of 100 ms also delayed what was due 1 ms later by 99 ms, and so on. So the
 * percentile is one of time: what is due at a random moment waits no longer than this in 99 of 100 cases.
 */
export function watchEventLoopDelay(): () => EventLoopDelay {
  const delaysMs: number[] = []
  let dueAt = performance.now() + intervalMs
  let timer = setTimeout(onDue, intervalMs)
  function countDelays(): void {
    const now = performance.now()
    for (let delayMs = now - dueAt; delayMs > 0; delayMs -= intervalMs) delaysMs.push(delayMs)
    dueAt = now + intervalMs
  }
  function onDue(): void {
    countDelays()
    timer = setTimeout(onDue, intervalMs)
  }
  return () => {
    clearTimeout(timer)
    countDelays() // what is overdue now has been waiting, too
    return { p99Ms: quantile(delaysMs, 0.99), maxMs: quantile(delaysMs, 1) }
  }
}
