import { describe, expect, test } from 'vitest'
import { abortable, sleep, withDeadline } from '../src/abortable.ts'
import { AlloyDBError } from '../src/index.ts'

const { signal: never } = new AbortController()
const timeout = new AlloyDBError('ALLOYDB_REFRESH_TIMEOUT', 'too slow')
const deadline = { timeoutMs: 20, error: () => timeout, keepsAlive: true }

describe('abortable', () => {
  test('gives what the promise gives', async () => {
    await expect(abortable(Promise.resolve(1), never)).resolves.toBe(1)
    await expect(abortable(Promise.reject(new Error('no')), never)).rejects.toThrow('no')
  })

  test('gives up with the reason, before or while it waits, and leaves no rejection behind', async () => {
    const reason = new Error('enough')
    await expect(abortable(Promise.reject(new Error('late')), AbortSignal.abort(reason))).rejects.toBe(reason)
    const abort = new AbortController()
    const waiting = abortable(new Promise(() => {}), abort.signal)
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})

test('sleep ends early when it is aborted', async () => {
  await expect(sleep(60_000, AbortSignal.abort(new Error('wake up')))).rejects.toThrow('wake up')
  await expect(sleep(1, never)).resolves.toBeUndefined()
})

describe('withDeadline', () => {
  test('aborts the work when the time is up', async () => {
    let seen: unknown
    const work = (signal: AbortSignal): Promise<never> => {
      signal.addEventListener('abort', () => (seen = signal.reason))
      return new Promise(() => {})
    }
    await expect(withDeadline(never, deadline, work)).rejects.toBe(timeout)
    expect(seen).toBe(timeout)
  })

  test('does not begin when the outer signal is aborted already', async () => {
    let begun = false
    const work = async (): Promise<void> => {
      begun = true
    }
    await expect(withDeadline(AbortSignal.abort(new Error('off')), deadline, work)).rejects.toThrow('off')
    expect(begun).toBe(false)
  })

  test.each([[true], [false]])('keeps the process alive meanwhile: %s', async (keepsAlive) => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const done = Promise.withResolvers<void>()
    const waiting = withDeadline(never, { ...deadline, timeoutMs: 60_000, keepsAlive }, () => done.promise)
    expect(timers() - before).toBe(keepsAlive ? 1 : 0)
    done.resolve()
    await waiting
    expect(timers()).toBe(before)
  })

  test('aborts what is left of work that has failed', async () => {
    let left: AbortSignal | undefined
    const work = (signal: AbortSignal): Promise<never> => {
      left = signal
      return Promise.reject(new Error('half of it failed'))
    }
    await expect(withDeadline(never, deadline, work)).rejects.toThrow('half of it failed')
    expect(left?.aborted).toBe(true)
  })
})
