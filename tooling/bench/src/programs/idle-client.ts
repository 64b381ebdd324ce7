import type { TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connector } from '@alloydb/core'
import { runConcurrently } from '../drivers/driver.ts'
import { serve } from '../program.ts'

/** What to open. */
export interface IdleConnections {
  /** The Admin API. */
  readonly host: string
  readonly instance: string
  readonly count: number
  /** How many connects are under way at once. */
  readonly atOnce: number
}

/** Holds idle connections, in a process that is started with `--expose-gc`. */
export type IdleClientCommands = {
  /** Opens them and gives the growth of the resident set, in bytes. */
  open: (connections: IdleConnections) => Promise<number>
}

const warmUpConnects = 50
const sockets: TLSSocket[] = []

async function open({ host, instance, count, atOnce }: IdleConnections): Promise<number> {
  process.env['ALLOYDB_EMULATOR_HOST'] = host
  const connector = new Connector()
  // What a process pays once, for code and caches, is not the connections' cost.
  await runConcurrently(atOnce, warmUpConnects, async () => (await connector.connect(instance)).destroy())
  const before = await settledRss()
  await runConcurrently(atOnce, count, async () => sockets.push(await connector.connect(instance)))
  const growth = (await settledRss()) - before
  const closed = sockets.filter((socket) => socket.destroyed || socket.readableEnded).length
  if (closed > 0) throw new Error(`${closed} of the ${count} connections did not stay open.`)
  return growth
}

async function settledRss(): Promise<number> {
  for (let turn = 0; turn < 4; turn += 1) {
    await sleep(50)
    globalThis.gc?.()
  }
  return process.memoryUsage.rss()
}

serve({ open } satisfies IdleClientCommands)
