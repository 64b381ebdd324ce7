import { once } from 'node:events'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { Connector } from '@alloydb/core'
import type { ClientIdentity } from '../backend/identities.ts'
import { connectByHand, connectLeanly } from '../connect-by-hand.ts'
import { serve } from '../program.ts'

/** Whom to connect to. */
export interface ConnectTarget {
  readonly host: string
  readonly proxyPort: number
  readonly instance: string
  readonly identity: ClientIdentity
}

/** How a connection is made. */
export type ConnectMethod = 'connector' | 'floor' | 'lean' | 'context per connect'

/** Connects to a warm connector's instance, and by hand to the same server. */
export type ConnectClientCommands = {
  open: (target: ConnectTarget) => Promise<void>
  /** Connects so many times, one after the other, and gives the milliseconds that this took, closing not included. */
  connect: (block: { method: ConnectMethod; count: number }) => Promise<number>
}

let methods: Readonly<Record<ConnectMethod, () => Promise<TLSSocket>>>

async function open({ host, proxyPort, instance, identity }: ConnectTarget): Promise<void> {
  process.env['ALLOYDB_EMULATOR_HOST'] = host
  const connector = new Connector()
  const createContext = (): SecureContext => createSecureContext({ ...identity, minVersion: 'TLSv1.3' })
  const cached = createContext()
  methods = {
    connector: () => connector.connect(instance),
    floor: () => connectByHand(proxyPort, cached),
    lean: () => connectLeanly(proxyPort, cached),
    'context per connect': () => connectByHand(proxyPort, createContext()),
  }
  const socket = await connector.connect(instance) // fetches connection info and token
  socket.destroy()
}

async function connectInTurn({ method, count }: { method: ConnectMethod; count: number }): Promise<number> {
  let elapsedMs = 0
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now()
    const socket = await methods[method]()
    elapsedMs += performance.now() - startedAt
    const closed = once(socket, 'close')
    socket.destroy()
    await closed
  }
  return elapsedMs
}

serve({ open, connect: connectInTurn } satisfies ConnectClientCommands)
