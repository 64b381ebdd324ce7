import { AlloyDBError } from '@alloydb/core'
import { explainAbort } from '@alloydb/core/adapter'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { readConnectTimeoutMs } from './connect-timeout.ts'
import { connectionError, type Address } from './connection-error.ts'
import { cancelRequestLength, FailedSocket } from './failed-socket.ts'

/** What postgres.js gives its `socket` option: its options, as it has read them. */
export interface SocketOptions extends Address {
  /** In seconds; nothing and 0 set no limit. */
  connect_timeout?: unknown
  ssl?: unknown
  database?: unknown
  /** The parameters of the startup message, read anew for each connection. */
  connection: Record<string, unknown>
  /** Called when a connection has closed; read anew each time. */
  onclose?: ((id: number) => unknown) | undefined
}

/** Opens a channel, or gives up when the signal is aborted. */
export type Dial = (signal: AbortSignal, options: SocketOptions) => Promise<TLSSocket>

/**
 * Opens the socket of one connection. Never rejects: a failure is a socket that fails.
 *
 * `connect_timeout` is the limit of the dial here; postgres.js itself begins to count when it has the socket.
 */
export async function openSocket(
  dial: Dial,
  options: SocketOptions,
  abort: AbortController = new AbortController(),
): Promise<Duplex> {
  guardSubscription(options)
  const expire = (): void => abort.abort(connectionError('CONNECT_TIMEOUT', options))
  let timer: NodeJS.Timeout | undefined
  try {
    const timeoutMs = readConnectTimeoutMs(options.connect_timeout)
    if (timeoutMs > 0) timer = setTimeout(expire, timeoutMs)
    abort.signal.throwIfAborted()
    if (options.ssl) throw sslError(options)
    const socket = await untilAborted(dial(abort.signal, options), abort.signal)
    if (socket.destroyed) throw socket.errored ?? connectionError('CONNECTION_CLOSED', options)
    refuseEarlyEnd(socket, options)
    // As postgres.js does with a socket of its own: its errors name them.
    return Object.assign(socket, { host: options.host, port: options.port })
  } catch (error) {
    return new FailedSocket(error instanceof Error ? error : new Error(String(error), { cause: error }))
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for a dial, also for one that does not heed its signal: what that opens then is destroyed. */
async function untilAborted(dialing: Promise<TLSSocket>, signal: AbortSignal): Promise<TLSSocket> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  try {
    return await Promise.race([dialing, aborted])
  } catch (error) {
    if (!signal.aborted) throw error
    const failing = dialing.then(
      (socket) => void socket.destroy(),
      (failure: unknown) => failure,
    )
    // By the next turn a dial that heeds its signal has told how far it came: why there was too little time.
    const failure = await Promise.race([failing, new Promise(setImmediate)])
    const reason = signal.reason as NodeJS.ErrnoException
    if (reason.code === 'CONNECT_TIMEOUT' && AlloyDBError.is(failure)) {
      reason.message += `\n${failure.message}`
      explainAbort(reason, failure)
    }
    throw reason
  }
}

/**
 * Turns the server's end before its first byte into an error. postgres.js takes a clean end for an invitation to dial
 * again at once. The end after a CancelRequest is as it should be.
 */
function refuseEarlyEnd(socket: TLSSocket, options: SocketOptions): void {
  const alreadyWritten = socket.bytesWritten
  const onEnd = (): void => {
    if (socket.bytesWritten - alreadyWritten === cancelRequestLength) return
    socket.destroy(connectionError('CONNECTION_CLOSED', options))
  }
  socket.once('end', onEnd)
  socket.once('data', () => socket.off('end', onEnd))
}

const guarded = new WeakSet<SocketOptions>()

/**
 * Keeps a lost subscription from ending the process. postgres.js starts it again in `onclose`, where nobody takes the
 * error if that fails; the connection then closes, which starts it once more.
 */
function guardSubscription(options: SocketOptions): void {
  const { connection, onclose } = options
  if (connection['replication'] === undefined || onclose === undefined || guarded.has(options)) return
  guarded.add(options)
  options.onclose = (id) => void Promise.resolve(onclose(id)).catch(() => {})
}

function sslError({ host }: SocketOptions): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_INVALID_OPTION',
    `The option "ssl" is set for the connection to ${host.join()}, which is encrypted and verified already.`,
    { hint: 'Remove `ssl`, or put the options of `postgresConfig` after it.' },
  )
}
