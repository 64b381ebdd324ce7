import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, TLSSocket, type SecureContext } from 'node:tls'
import type { ErrorWatch } from './error-watch.ts'

/** The dialed address is not among those that the server's certificate is for. */
export class AddressMismatch extends Error {
  /** What the certificate is for. */
  readonly subjectAltName: string | undefined

  constructor(subjectAltName: string | undefined) {
    super('the certificate is not for the dialed address')
    this.subjectAltName = subjectAltName
  }
}

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
      checkServerIdentity: (_, certificate) => checkAddress(address, new X509Certificate(certificate.raw)),
    })
    errors.start(socket)
    // For that check, Node.js makes objects of the whole chain, which costs a tenth of all that a connect takes. The
    // server's own certificate will do.
    Object.assign(socket, {
      getPeerCertificate: () => TLSSocket.prototype.getPeerCertificate.call(socket, false),
    })
    const onAbort = (): void => {
      socket.destroy(signal.reason as Error)
    }
    const settle = (): void => {
      Reflect.deleteProperty(socket, 'getPeerCertificate')
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

function checkAddress(address: string, certificate: X509Certificate): Error | undefined {
  const matches = isIP(address)
    ? certificate.checkIP(address) !== undefined
    : certificate.checkHost(address, { subject: 'never' }) !== undefined
  return matches ? undefined : new AddressMismatch(certificate.subjectAltName)
}
