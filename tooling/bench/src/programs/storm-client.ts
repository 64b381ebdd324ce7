import { once } from 'node:events'
import { Connector } from '@alloydb/core'
import { watchEventLoopDelay, type EventLoopDelay } from '../event-loop-delay.ts'
import { serve } from '../program.ts'

/** A burst of connects. */
export interface Storm {
  /** The Admin API. */
  readonly host: string
  readonly instance: string
  readonly connects: number
  /** The connector's own option; its default where it is absent. */
  readonly maxConcurrentHandshakes?: number
}

/** What came of it. */
export interface StormReport extends EventLoopDelay {
  readonly totalMs: number
  readonly failed: number
}

/** Connects very many times at once. */
export type StormClientCommands = { storm: (storm: Storm) => Promise<StormReport> }

async function storm({ host, instance, connects, ...options }: Storm): Promise<StormReport> {
  process.env['ALLOYDB_EMULATOR_HOST'] = host
  await using connector = new Connector(options)
  ;(await connector.connect(instance)).destroy() // fetches connection info and token

  const stopWatching = watchEventLoopDelay()
  const startedAt = performance.now()
  const results = await Promise.allSettled(
    Array.from({ length: connects }, () => connector.connect(instance)),
  )
  const totalMs = performance.now() - startedAt
  const delay = stopWatching()

  const sockets = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  await Promise.all(
    sockets.map(async (socket) => {
      const closed = once(socket, 'close')
      socket.destroy()
      await closed
    }),
  )
  return { ...delay, totalMs, failed: connects - sockets.length }
}

serve({ storm } satisfies StormClientCommands)
