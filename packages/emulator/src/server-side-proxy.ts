import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { CertificateAuthority, type ServerIdentity } from './certificate-authority.ts'
import type { Cut, Faults, TlsFault } from './faults.ts'
import type { Instance } from './instance.ts'
import type { OpenRecord, RequestLog } from './request-log.ts'
import { cut, delay, Sockets } from './sockets.ts'

/** What the proxy does with a connection whose client has proved who it is. */
type ServeClient = (client: ClientConnection) => Promise<void>

/** A connection of a client's, after the TLS handshake. */
export interface ClientConnection {
  socket: tls.TLSSocket
  cut(how: Cut): void
}

interface Services {
  faults: Faults
  log: RequestLog
  serve: ServeClient
}

// An address set aside for documentation (RFC 5737), and a name that never resolves (RFC 2606).
const WRONG_ADDRESSES = ['192.0.2.1', 'elsewhere.invalid']
const HANDSHAKE_LIMIT_MS = 30_000

/** The listeners of one instance, up to the end of the TLS handshake. */
export class ServerSideProxy {
  readonly #instance: Instance
  readonly #services: Services
  readonly #sockets = new Sockets()
  #listeners: Server[] = []
  #identity: ServerIdentity | undefined

  constructor(instance: Instance, services: Services) {
    this.#instance = instance
    this.#services = services
  }

  /** Listens on all of the instance's addresses; a free port is the same on each of them, and kept from then on. */
  async listen(): Promise<void> {
    this.#identity = await this.#instance.issueCertificate()
    try {
      for (const address of this.#instance.listenAddresses) {
        const listener = await listen(this.#instance.port, address, (socket) => void this.#accept(socket))
        this.#listeners.push(listener)
        this.#instance.port = (listener.address() as AddressInfo).port
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Stops listening, and destroys every connection. */
  async close(): Promise<void> {
    const listeners = this.#listeners
    this.#listeners = []
    const closed = listeners.map((listener) => new Promise((resolve) => listener.close(resolve)))
    this.#sockets.destroy()
    await Promise.all(closed)
  }

  /** Cuts every connection, and goes on listening. */
  disconnectAll(how: Cut): void {
    this.#sockets.cut(how)
  }

  async #accept(socket: Socket): Promise<void> {
    const { faults, log } = this.#services
    const resource = this.#instance.uri
    this.#sockets.track(socket)
    socket.setNoDelay(true)
    // A peer may reset at any time; the socket's close is all that matters.
    socket.on('error', () => {})
    const tcpRecord = log.open('tcp', { resource })
    const tcpFault = faults.take('tcp', resource)
    await delay(tcpFault?.delayMs)
    if (tcpFault?.stall || tcpFault?.close) {
      tcpRecord.outcome = 'faulted'
      if (tcpFault.close) cut(tcpFault.close, socket, undefined)
      return
    }
    tcpRecord.outcome = 'served'

    const tlsFault = faults.take('tls', resource)
    const tlsRecord = log.open('tls', { resource })
    await delay(tlsFault?.delayMs)
    const server = await this.#tlsServer(tlsFault)
    if (socket.destroyed) return
    server.once('tlsClientError', (error, { authorizationError }) => {
      const reason = authorizationError ? String(authorizationError) : error.message
      Object.assign(tlsRecord, { outcome: tlsFault ? 'faulted' : 'refused', reason })
      socket.destroy()
    })
    server.once('secureConnection', (secured) => {
      void this.#secured(socket, secured, tlsFault, tlsRecord)
    })
    // Hands the server a connection that it did not accept itself, so that each may have settings of its own. Nor can a session
    // be resumed then, which would spare the client showing its certificate.
    server.emit('connection', socket)
  }

  async #secured(
    socket: Socket,
    secured: tls.TLSSocket,
    fault: TlsFault | undefined,
    record: OpenRecord,
  ): Promise<void> {
    secured.on('error', () => {})
    // From here on an end of one direction leaves the other open; during the handshake it means that the client gave up.
    secured.allowHalfOpen = true
    this.#sockets.secure(socket, secured)
    record.servername = secured.servername || undefined
    record.outcome = fault ? 'faulted' : 'served'
    const client: ClientConnection = {
      socket: secured,
      cut: (how) => cut(how, socket, secured),
    }
    if (fault?.close) client.cut(fault.close)
    else await this.#services.serve(client)
  }

  async #tlsServer(fault: TlsFault | undefined): Promise<tls.Server> {
    const oldVersion = fault?.maxVersion
    return tls.createServer({
      ...(await this.#identityFor(fault)),
      ca: this.#instance.owner.authority.rootPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: oldVersion ?? 'TLSv1.3',
      maxVersion: oldVersion ?? 'TLSv1.3',
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
    })
  }

  async #identityFor(fault: TlsFault | undefined): Promise<ServerIdentity> {
    switch (fault?.serverCertificate) {
      case 'wrong-authority': {
        const stranger = await CertificateAuthority.create()
        return stranger.issueServer(this.#instance.commonName, this.#instance.listenAddresses)
      }
      case 'wrong-address':
        return this.#instance.issueCertificate(WRONG_ADDRESSES)
      case 'expired':
        return this.#instance.issueCertificate(undefined, new Date(Date.now() - HANDSHAKE_LIMIT_MS))
      case undefined:
        return this.#identity!
    }
  }
}

function listen(port: number, address: string, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept)
    server.once('error', reject).listen(port, address, () => resolve(server))
  })
}
