import { on } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

/** What {@link listen} tells. */
export type Event =
  /** It listens, for the first time or again. What was notified before then has not been told: look it up. */
  | { type: 'listening' }
  | { type: 'notification'; payload: string }
  /** It could not connect, or lost its connection; it tries again. */
  | { type: 'lost'; error: unknown; retryInMs: number }

/**
 * Listens on a channel until the signal is aborted, with a new connection whenever one is lost.
 *
 * @param open makes a client, which is not connected yet
 */
export async function* listen(
  open: () => pg.Client,
  channel: string,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  let failures = 0
  while (!signal.aborted) {
    const client = open()
    client.on('error', () => {}) // the first one ends the loop below, and there may be more
    try {
      const notifications = on(client, 'notification', { close: ['end'], signal })
      await client.connect()
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
      failures = 0
      yield { type: 'listening' }
      for await (const [{ payload }] of notifications as AsyncIterable<[pg.Notification]>) {
        yield { type: 'notification', payload: payload ?? '' }
      }
      throw new Error('the server ended the connection')
    } catch (error) {
      if (signal.aborted) return
      const retryInMs = Math.min(30_000, 100 * 2 ** failures++) * (0.5 + Math.random() / 2)
      yield { type: 'lost', error, retryInMs }
      await sleep(retryInMs, undefined, { signal }).catch(() => {})
    } finally {
      await client.end()
    }
  }
}
