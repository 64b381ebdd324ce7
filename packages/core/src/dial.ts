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
import { ErrorWatch } from './error-watch.ts'
import type { HandshakeLimiter } from './handshake-limiter.ts'
import { exchangeMetadata } from './metadata-exchange.ts'
import { createTcpConnection, type CreateConnection } from './open-transport.ts'
import { secureTransport } from './secure-transport.ts'

/** How a dial is done; the same for all dials of one instance. */
export interface DialSettings {
  readonly createConnection: CreateConnection
  readonly handshakes: HandshakeLimiter
  /** The limit on TCP, TLS and the exchange together, in milliseconds. */
  readonly timeoutMs: number
  /** When that is over, by `performance.now()`. */
  readonly deadlineAt: number
  readonly userAgent: string
  /** Why an attempt before this one failed, which had its part of the time. */
  readonly failedBefore?: AlloyDBError
}

type Phase = 'tcp' | 'tls' | 'exchange'

/** What a failure of each phase means. */
const phaseErrors = { tcp: tcpError, tls: tlsError, exchange: exchangeError } as const

/**
 * Opens one channel to the instance's server-side proxy: TCP, then TLS, then the metadata exchange.
 *
 * @param token the access token for the exchange
 * @returns the socket, ready for PostgreSQL's startup message, with no listener of this package on it
 */
export async function dial(
  info: ConnectionInfo,
  token: string,
  { createConnection, handshakes, timeoutMs, deadlineAt, userAgent, failedBefore }: DialSettings,
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
  let phase: Phase = 'tcp'
  const enter = (next: Phase): void => {
    phase = next
    event.phase = next
  }
  const deadline = {
    timeoutMs: Math.max(1, Math.ceil(deadlineAt - performance.now())),
    error: () => phaseTimeoutError(phase, target, timeoutMs, failedBefore),
    keepsAlive: true,
  }
  return withDeadline(signal, deadline, async (signal) => {
    let transport: Duplex | undefined
    let socket: TLSSocket | undefined
    const errors = new ErrorWatch()
    try {
      enter('tcp')
      transport = await timed(phases, 'tcp', () => openTransport(createConnection, host, port, signal))
      const connected = transport

      enter('tls')
      const queuedAt = performance.now()
      socket = await handshakes.run(signal, () => {
        phases.wait = performance.now() - queuedAt
        return timed(phases, 'tls', () =>
          secureTransport(connected, host, info.secureContext, errors, signal),
        )
      })
      const secured = socket

      enter('exchange')
      errors.throwIfEnded()
      const request = { userAgent, authType, token }
      await timed(phases, 'exchange', () => exchangeMetadata(secured, request, signal))
      signal.throwIfAborted()
      errors.throwIfEnded()
      errors.stop()
      return secured
    } catch (error) {
      socket?.destroy()
      transport?.destroy()
      throw AlloyDBError.is(error) ? error : phaseErrors[phase](error, target)
    }
  })
}

/**
 * Calls `createConnection`. Where that is the user's, a connection that comes after the abort is destroyed.
 *
 * The connection's failures need no one to hear them: they show on the TLS socket, or in that its handshake cannot begin.
 */
async function openTransport(
  createConnection: CreateConnection,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const given = Promise.resolve(createConnection(host, port, signal))
  if (createConnection === createTcpConnection) return (await given).on('error', () => {})
  const opening = given.then((transport) => {
    if (!(transport instanceof Duplex)) throw new TypeError('createConnection gave no stream')
    return untilConnected(
      transport.on('error', () => {}),
      signal,
    )
  })
  try {
    return await abortable(opening, signal)
  } catch (error) {
    opening.then(
      (late) => late.destroy(),
      () => {},
    )
    throw error
  }
}

/** Waits for the connect of a socket that `createConnection` has given before: `net.connect()` does. */
async function untilConnected(transport: Duplex, signal: AbortSignal): Promise<Duplex> {
  if (!('connecting' in transport) || transport.connecting !== true) return transport
  try {
    await once(transport, 'connect', { signal })
    return transport
  } catch (error) {
    transport.destroy()
    throw error
  }
}
