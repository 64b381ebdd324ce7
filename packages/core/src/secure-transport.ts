import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  checkServerIdentity,
  connect,
  TLSSocket,
  type DetailedPeerCertificate,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls'
import type { ErrorWatch } from './error-watch.ts'

/**
 * Runs the TLS handshake, as far as the client can see it: the server's verdict on the client certificate arrives
 * later, with the first read.
 *
 * The server must present a certificate of the cluster's CA for the very address that was dialed. Its common name does
 * not count. On failure the transport is destroyed.
 *
 * @param errors begins with the socket, and outlasts the handshake
 */
export function secureTransport(
  transport: Duplex,
  address: string,
  secureContext: SecureContext,
  errors: ErrorWatch,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    if (transport.destroyed) {
      // TLS would say nothing of a transport that ended before it began.
      reject(new Error('the connection was closed before the TLS handshake'))
      return
    }
    const socket = connect({
      socket: transport,
      secureContext,
      host: address,
      rejectUnauthorized: true, // the default, but for NODE_TLS_REJECT_UNAUTHORIZED
      // The name is sent (SNI) for DNS names alone: TLS has none for IP addresses.
      ...(isIP(address) ? {} : { servername: address }),
      // Without a subject, the common name cannot stand in for an alternative name.
      checkServerIdentity: (_, { subjectaltname }) =>
        checkServerIdentity(address, { subject: {}, subjectaltname } as PeerCertificate),
    })
    errors.start(socket)
    socket.getPeerCertificate = getPeerCertificate
    const onAbort = (): void => {
      socket.destroy(signal.reason as Error)
    }
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('secureConnect', onSecure).off('error', onError).off('close', onClose)
      transport.off('close', onClose)
    }
    const onSecure = (): void => {
      settle()
      resolve(socket)
    }
    const onError = (error: Error): void => {
      settle()
      socket.destroy()
      transport.destroy()
      reject(error)
    }
    const onClose = (): void => onError(new Error('the connection was closed during the TLS handshake'))
    socket.once('secureConnect', onSecure).once('error', onError).once('close', onClose)
    transport.once('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * To check the address, Node.js describes the server's whole chain, which costs a tenth of all that a connect takes. The
 * server's own certificate will do until it is verified. After that this does what the method does in whose place it stands.
 *
 * It stays on the socket: once a property of an object was deleted, V8 looks up all of its properties more slowly.
 */
function getPeerCertificate(this: TLSSocket, detailed?: boolean): DetailedPeerCertificate {
  return TLSSocket.prototype.getPeerCertificate.call(
    this,
    detailed === true && this.authorized,
  ) as DetailedPeerCertificate
}
