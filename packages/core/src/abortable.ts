import type { AlloyDBError } from './alloydb-error.ts'

/** Waits for a promise, or rejects with the signal's reason as soon as that is aborted. The work itself goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason as Error)
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Waits so long, or rejects with the signal's reason as soon as that is aborted. Does not keep the process alive. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms).unref()
  })
  return abortable(slept, signal).finally(() => clearTimeout(timer))
}

/** Waits for a promise, or gives `undefined` when the time is up. The work itself goes on. Does not keep the process alive. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeIsUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined).unref()
  })
  try {
    return await Promise.race([promise, timeIsUp])
  } finally {
    clearTimeout(timer)
  }
}

/** A limit on the time that some work may take. */
export interface Deadline {
  readonly timeoutMs: number
  /** Makes the error that the work is aborted with when its time is up. */
  readonly error: () => AlloyDBError
  /** Whether the work keeps the process alive: that of a caller who waits does, that of the background does not. */
  readonly keepsAlive: boolean
}

/**
 * Runs work under a signal of its own, which is aborted with the outer one, when the time is up, and when the work has
 * failed, so that parts of it that are still under way end too. Rejects as soon as it is aborted.
 */
export function withDeadline<T>(
  outer: AbortSignal,
  { timeoutMs, error, keepsAlive }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (outer.aborted) return Promise.reject(outer.reason as Error)
  return new Promise((resolve, reject) => {
    const abort = new AbortController()
    const settle = (): void => {
      clearTimeout(timer)
      outer.removeEventListener('abort', onAbort)
    }
    const giveUp = (reason: unknown): void => {
      settle()
      abort.abort(reason)
      reject(reason as Error)
    }
    const onAbort = (): void => giveUp(outer.reason)
    const timer = setTimeout(() => giveUp(error()), timeoutMs)
    if (!keepsAlive) timer.unref()
    outer.addEventListener('abort', onAbort, { once: true })
    work(abort.signal).then((result) => {
      settle()
      resolve(result)
    }, giveUp)
  })
}
