import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import * as tls from 'node:tls'

/**
 * Completes server-side handshakes with one set of settings, on connections that were accepted elsewhere.
 *
 * A `tls.Server` tells of a handshake without saying whose it is, so each serves one at a time; an idle one is used
 * again, since making one parses keys and certificates and takes memory that is freed late.
 */
export class TlsHandshakes {
  readonly #options: tls.TlsOptions
  readonly #idle: tls.Server[] = []

  constructor(options: tls.TlsOptions) {
    // Without tickets no session can be resumed, which would spare the client showing its certificate.
    this.#options = { ...options, secureOptions: constants.SSL_OP_NO_TICKET }
  }

  /** Rejects with the reason for which there is no TLS connection; what is left of it is the caller's to destroy. */
  async complete(socket: Socket): Promise<tls.TLSSocket> {
    const server = this.#idle.pop() ?? tls.createServer(this.#options)
    try {
      return await completeOn(server, socket)
    } finally {
      server.removeAllListeners('secureConnection').removeAllListeners('tlsClientError')
      this.#idle.push(server)
    }
  }
}

function completeOn(server: tls.Server, socket: Socket): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    server.once('secureConnection', (secured) => {
      // A peer may reset at any time; the socket's close is all that matters.
      secured.on('error', () => {})
      resolve(secured)
    })
    server.once('tlsClientError', (error, { authorizationError }) => {
      reject(authorizationError ? new Error(String(authorizationError)) : error)
    })
    server.emit('connection', socket)
  })
}
