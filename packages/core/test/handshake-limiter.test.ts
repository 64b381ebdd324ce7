import { describe, expect, test } from 'vitest'
import { HandshakeLimiter } from '../src/handshake-limiter.ts'

describe('HandshakeLimiter', () => {
  const { signal } = new AbortController()

  test('runs no more than its limit at once, first come first served', async () => {
    const limiter = new HandshakeLimiter(2)
    const started: number[] = []
    let running = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        limiter.run(signal, async () => {
          started.push(index)
          most = Math.max(most, (running += 1))
          await new Promise(setImmediate)
          running -= 1
        }),
      ),
    )
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBe(2)
  })

  test('gives the place on when a handshake fails', async () => {
    const limiter = new HandshakeLimiter(1)
    await expect(limiter.run(signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(limiter.run(signal, () => Promise.resolve('next'))).resolves.toBe('next')
  })

  test('lets one that waits leave the queue', async () => {
    const limiter = new HandshakeLimiter(1)
    const first = Promise.withResolvers<void>()
    const running = limiter.run(signal, () => first.promise)
    const abort = new AbortController()
    const leaving = limiter.run(abort.signal, () => Promise.resolve('never'))
    const next = limiter.run(signal, () => Promise.resolve('next'))
    abort.abort(new Error('leaves'))
    await expect(leaving).rejects.toThrow('leaves')
    first.resolve()
    await running
    await expect(next).resolves.toBe('next')
  })
})
