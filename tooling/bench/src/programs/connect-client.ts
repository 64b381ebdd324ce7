import { once } from 'node:events'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { Connector } from '@alloydb/core'
import type { ClientIdentity } from '../backend/identities.ts'
import { serve } from '../program.ts'

/** Whom to connect to. */
export interface ConnectTarget {
  readonly host: string
  readonly proxyPort: number
  readonly instance: string
  readonly identity: ClientIdentity
}

/** How a connection is made. */
export type ConnectMethod = 'connector' | 'floor' | 'context per connect'

/** Connects to a warm connector's instance, and by hand to the same server. */
export type ConnectClientCommands = {
  open: (target: ConnectTarget) => Promise<void>
  /** Connects so many times, one after the other, and gives the milliseconds that this took, closing not included. */
  connect: (block: { method: ConnectMethod; count: number }) => Promise<number>
}

/** The exchange's request, as the connector sends it: user agent, auth type 1, token. */
const request = encodeRequest('alloydb-node-connector/0.0.0', 'bench')
const responseLength = 6

let methods: Readonly<Record<ConnectMethod, () => Promise<TLSSocket>>>

async function open({ host, proxyPort, instance, identity }: ConnectTarget): Promise<void> {
  process.env['ALLOYDB_EMULATOR_HOST'] = host
  const connector = new Connector()
  const createContext = (): SecureContext => createSecureContext({ ...identity, minVersion: 'TLSv1.3' })
  const cached = createContext()
  methods = {
    connector: () => connector.connect(instance),
    floor: () => connectByHand(proxyPort, cached),
    'context per connect': () => connectByHand(proxyPort, createContext()),
  }
  const socket = await connector.connect(instance) // fetches connection info and token
  socket.destroy()
}

/** The least that connecting takes: TLS with Node's own verification of the address, then the exchange. */
function connectByHand(port: number, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, secureContext })
    socket.setNoDelay(true)
    const onReadable = (): void => {
      if (socket.read(responseLength) === null) return
      socket.off('readable', onReadable).off('error', reject)
      resolve(socket)
    }
    socket.on('error', reject).on('readable', onReadable)
    socket.once('secureConnect', () => socket.write(request))
  })
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

function encodeRequest(userAgent: string, token: string): Buffer {
  const field = (number: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)])
  const message = Buffer.concat([field(1, userAgent), Buffer.from([2 << 3, 1]), field(3, token)])
  const header = Buffer.alloc(4)
  header.writeUInt32BE(message.length)
  return Buffer.concat([header, message])
}

serve({ open, connect: connectInTurn } satisfies ConnectClientCommands)
