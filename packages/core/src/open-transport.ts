import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** Opens the connection that TLS runs on. The signal is not aborted yet when it is called. */
export type CreateConnection = (host: string, port: number, signal: AbortSignal) => Duplex | Promise<Duplex>

const keepAliveDelayMs = 30_000

/** Opens a TCP connection: without delay, kept alive. The default of the option `createConnection`. */
export const createTcpConnection: CreateConnection = (host, port, signal) =>
  new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    })
    const onAbort = (): void => {
      socket.destroy(signal.reason as Error)
    }
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('error', onError)
    }
    const onConnect = (): void => {
      settle()
      resolve(socket)
    }
    const onError = (error: Error): void => {
      settle()
      reject(error)
    }
    socket.once('connect', onConnect).once('error', onError)
    signal.addEventListener('abort', onAbort, { once: true })
  })
