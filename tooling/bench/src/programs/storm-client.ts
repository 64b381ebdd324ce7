import { once } from 'node:events'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { Connector } from '@alloydb/core'
import type { ClientIdentity } from '../backend/identities.ts'
import { connectByHand } from '../connect-by-hand.ts'
import { watchEventLoopDelay, type EventLoopDelay } from '../event-loop-delay.ts'
import { serve } from '../program.ts'

/** A burst of connects. */
export interface Storm {
  /** The Admin API. */
  readonly host: string
  readonly instance: string
  readonly connects: number
  /** By the connector, by one that lets all handshakes run at once, or by hand, with nothing in between. */
  readonly method: 'connector' | 'connector, no handshake limit' | 'by hand'
  readonly proxyPort: number
  readonly identity: ClientIdentity
}

/** What came of it. */
export interface StormReport extends EventLoopDelay {
  readonly totalMs: number
  readonly failed: number
}

/** Connects very many times at once, in a process that is started with `--expose-gc`. */
export type StormClientCommands = { storm: (storm: Storm) => Promise<StormReport> }

async function storm({ host, instance, connects, method, proxyPort, identity }: Storm): Promise<StormReport> {
  process.env['ALLOYDB_EMULATOR_HOST'] = host
  const limit = method === 'connector' ? {} : { maxConcurrentHandshakes: connects }
  // Not even made where it is not used: its key would be made in the middle of the storm.
  await using connector = method === 'by hand' ? undefined : new Connector(limit)
  const secureContext = createSecureContext({ ...identity, minVersion: 'TLSv1.3' })
  const connect = (): Promise<TLSSocket> =>
    connector?.connect(instance) ?? connectByHand(proxyPort, secureContext)
  ;(await connect()).destroy() // fetches connection info and token
  globalThis.gc?.() // what the storm before has left is not to be cleared away in this one

  const stopWatching = watchEventLoopDelay()
  const startedAt = performance.now()
  const results = await Promise.allSettled(Array.from({ length: connects }, connect))
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
