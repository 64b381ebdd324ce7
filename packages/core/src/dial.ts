import { once } from 'node:events'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { abortable, withDeadline } from './abortable.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import { timed, type DialEvent } from './diagnostics.ts'
import {
  exchangeError,
  missingIpTypeError,
  phaseTimeoutError,
  tcpError,
  tlsError,
  type DialTarget,
} from './dial-error.ts'
import type { HandshakeLimiter } from './handshake-limiter.ts'
import { exchangeMetadata } from './metadata-exchange.ts'
import type { CreateConnection } from './open-transport.ts'
import { secureTransport } from './secure-transport.ts'

/** How a dial is done; the same for all dials of one instance. */
export interface DialSettings {
  readonly createConnection: CreateConnection
  readonly handshakes: HandshakeLimiter
  /** The limit on TCP, TLS and the exchange together, in milliseconds. */
  readonly timeoutMs: number
  readonly userAgent: string
}

/**
 * Opens one channel to the instance's server-side proxy: TCP, then TLS, then the metadata exchange.
 *
 * @param token the access token for the exchange
 * @returns the socket, ready for PostgreSQL's startup message, with nothing of this package on it
 */
export async function dial(
  info: ConnectionInfo,
  token: string,
  { createConnection, handshakes, timeoutMs, userAgent }: DialSettings,
  event: DialEvent,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { ipType, authType, phases } = event
  const { hosts, port } = info.addresses
  const host = hosts[ipType]
  if (host === undefined) throw missingIpTypeError(info, ipType)
  event.address = host
  event.port = port

  const target: DialTarget = { instance: info.instance.name, host, port, ipType, authType }
  let leftMs = timeoutMs
  /** Runs a phase within what is left of the time. */
  const phase = async <T>(
    name: 'tcp' | 'tls' | 'exchange',
    work: (signal: AbortSignal) => Promise<T>,
    describe: (error: unknown, target: DialTarget) => AlloyDBError,
  ): Promise<T> => {
    const deadline = {
      timeoutMs: leftMs,
      error: () => phaseTimeoutError(name, target, timeoutMs),
      keepsAlive: true,
    }
    const startedAt = performance.now()
    try {
      return await withDeadline(signal, deadline, work)
    } catch (error) {
      throw AlloyDBError.is(error) ? error : describe(error, target)
    } finally {
      leftMs -= performance.now() - startedAt
    }
  }

  const transport = await phase(
    'tcp',
    (signal) => timed(phases, 'tcp', () => openTransport(createConnection, host, port, signal)),
    tcpError,
  )
  // From now on its failures show on the TLS socket, or in that its handshake cannot begin.
  transport.on('error', () => {})
  let socket: TLSSocket | undefined
  try {
    const queuedAt = performance.now()
    const secured = await phase(
      'tls',
      (signal) =>
        handshakes.run(signal, () => {
          phases.wait = performance.now() - queuedAt
          return timed(phases, 'tls', () => secureTransport(transport, host, info.secureContext, signal))
        }),
      tlsError,
    )
    socket = secured
    const request = { userAgent, authType, token }
    await phase(
      'exchange',
      (signal) => timed(phases, 'exchange', () => exchangeMetadata(secured, request, signal)),
      exchangeError,
    )
    signal.throwIfAborted()
    return secured
  } catch (error) {
    socket?.destroy()
    transport.destroy()
    throw error
  }
}

/** Calls `createConnection`, which may be the user's: a connection that comes after the abort is destroyed. */
async function openTransport(
  createConnection: CreateConnection,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const opening = Promise.resolve(createConnection(host, port, signal)).then((transport) =>
    untilConnected(transport, signal),
  )
  try {
    return await abortable(opening, signal)
  } catch (error) {
    opening.then(
      (late) => late.on('error', () => {}).destroy(),
      () => {},
    )
    throw error
  }
}

/** Waits for the connect of a socket that `createConnection` has given before: `net.connect()` does. */
async function untilConnected(transport: Duplex, signal: AbortSignal): Promise<Duplex> {
  if (!(transport instanceof Duplex)) throw new TypeError('createConnection gave no stream')
  if (!('connecting' in transport) || transport.connecting !== true) return transport
  try {
    await once(transport, 'connect', { signal })
    return transport
  } catch (error) {
    transport.on('error', () => {}).destroy()
    throw error
  }
}
