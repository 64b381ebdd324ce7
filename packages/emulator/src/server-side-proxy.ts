import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type * as tls from 'node:tls'
import { CertificateAuthority, type ServerIdentity } from './certificate-authority.ts'
import type { Clock } from './clock.ts'
import { ConnectionLog, type ConnectionReport } from './connection-log.ts'
import type { Cut, TlsFault } from './fault.ts'
import type { Faults } from './faults.ts'
import type { Instance } from './instance.ts'
import { explainListenError } from './listen-error.ts'
import { refuseCertificate } from './refuse-certificate.ts'
import type { RequestLog } from './request-log.ts'
import { answersHello, isOverByTcp, transportFor } from './faulty-transport.ts'
import { cut, delay, Sockets } from './sockets.ts'
import { TlsHandshakes } from './tls-handshakes.ts'

/** What the proxy does with a connection whose client has proved who it is. */
type ServeClient = (client: ClientConnection) => Promise<void>

/** A connection of a client's, after the TLS handshake. */
export interface ClientConnection {
  socket: tls.TLSSocket
  log: ConnectionLog
  cut(how: Cut): void
}

interface Services {
  clock: Clock
  faults: Faults
  log: RequestLog
  serve: ServeClient
  /** Where to listen instead of the instance's own addresses. */
  listenAddress: string | undefined
  report: ((report: ConnectionReport) => void) | undefined
}

// An address set aside for documentation (RFC 5737), and a name that never resolves (RFC 2606).
const WRONG_ADDRESSES = ['192.0.2.1', 'elsewhere.invalid']
/** How long a client may take to see that its connection is cut. */
const CUT_LIMIT_MS = 1_000
const HANDSHAKE_LIMIT_MS = 30_000
/** As long as a timer can be. */
const FOR_EVER_MS = 2 ** 31 - 1
const HOUR_MS = 3_600_000

/** The listeners of one instance, up to the end of the TLS handshake. */
export class ServerSideProxy {
  readonly #instance: Instance
  readonly #services: Services
  readonly #sockets = new Sockets()
  #listeners: Server[] = []
  #handshakes: TlsHandshakes | undefined

  constructor(instance: Instance, services: Services) {
    this.#instance = instance
    this.#services = services
  }

  /** Listens on all of the instance's addresses; a free port is the same on each of them, and kept from then on. */
  async listen(): Promise<void> {
    this.#handshakes = this.#handshakesWith(await this.#instance.issueCertificate())
    try {
      const { listenAddress } = this.#services
      const addresses = listenAddress === undefined ? this.#instance.listenAddresses : [listenAddress]
      for (const address of addresses) {
        const listener = await listen(
          this.#instance.port,
          address,
          (socket) => void this.#accept(socket).catch(() => socket.destroy()),
        )
        this.#listeners.push(listener)
        this.#instance.port = (listener.address() as AddressInfo).port
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Stops listening, and cuts every connection; by default as fast as can be. */
  async close(how?: Cut): Promise<void> {
    const listeners = this.#listeners
    this.#listeners = []
    const closed = Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    if (how) {
      this.#sockets.cut(how)
      await Promise.race([closed, delay(CUT_LIMIT_MS)])
    }
    this.#sockets.destroy()
    await closed
  }

  /** Cuts every connection, and goes on listening. */
  disconnectAll(how: Cut): void {
    this.#sockets.cut(how)
  }

  async #accept(socket: Socket): Promise<void> {
    const { faults } = this.#services
    const resource = this.#instance.uri
    const log = new ConnectionLog(this.#services.log, resource, this.#services.report)
    this.#sockets.track(socket)
    socket.setNoDelay(true)
    // A peer may reset at any time; the socket's close is all that matters. What has refused it is known a little later.
    socket.on('error', () => {}).once('close', () => setImmediate(() => log.settle()))
    const tcpRecord = log.open('tcp')
    const tcpFault = faults.take('tcp', resource)
    await delay(tcpFault?.delayMs)
    if (tcpFault && isOverByTcp(tcpFault, socket)) {
      tcpRecord.outcome = 'faulted'
      return
    }
    tcpRecord.outcome = 'served'

    const tlsFault = faults.take('tls', resource)
    const tlsRecord = log.open('tls')
    await delay(tlsFault?.delayMs)
    if (tlsFault && answersHello(tlsFault, socket)) {
      tlsRecord.outcome = 'faulted'
      return
    }
    if (tlsFault?.stall) tlsRecord.outcome = 'faulted'
    const handshakes = await this.#handshakesFor(tlsFault)
    if (socket.destroyed) return
    let secured: tls.TLSSocket
    try {
      secured = await handshakes.complete(tlsFault ? transportFor(tlsFault, socket) : socket)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      Object.assign(tlsRecord, { outcome: tlsFault ? 'faulted' : 'refused', reason })
      socket.destroy()
      const hasLeft = !tlsFault && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      log.settle(hasLeft ? 'abandoned' : undefined)
      return
    }
    const { clock } = this.#services
    const refusal = clock.isSkewed ? refuseCertificate(secured, clock.now()) : undefined
    if (refusal !== undefined) {
      Object.assign(tlsRecord, { outcome: 'refused', reason: refusal })
      socket.destroy()
      log.settle()
      return
    }
    // From here on an end of one direction leaves the other open; during the handshake it means that the client gave up.
    secured.allowHalfOpen = true
    this.#sockets.secure(socket, secured)
    tlsRecord.servername = secured.servername || undefined
    tlsRecord.outcome = tlsFault ? 'faulted' : 'served'
    const client: ClientConnection = {
      socket: secured,
      log,
      cut: (how) => cut(how, socket, secured),
    }
    if (tlsFault?.close) client.cut(tlsFault.close)
    else await this.#services.serve(client)
  }

  #handshakesWith(identity: ServerIdentity, fault?: TlsFault): TlsHandshakes {
    const version = fault?.maxVersion ?? 'TLSv1.3'
    return new TlsHandshakes({
      ...identity,
      ca: this.#instance.owner.authority.rootPem,
      requestCert: true,
      // Where the clock is not this machine's, it is judged afterwards.
      rejectUnauthorized: !this.#services.clock.isSkewed,
      minVersion: version,
      maxVersion: version,
      handshakeTimeout: fault?.stall ? FOR_EVER_MS : HANDSHAKE_LIMIT_MS,
    })
  }

  async #handshakesFor(fault: TlsFault | undefined): Promise<TlsHandshakes> {
    const { serverCertificate, maxVersion, stall } = fault ?? {}
    const isUsual = !serverCertificate && !maxVersion && !stall && !this.#services.clock.isSkewed
    if (isUsual) return this.#handshakes!
    return this.#handshakesWith(await this.#identityFor(serverCertificate), fault)
  }

  async #identityFor(fault: TlsFault['serverCertificate']): Promise<ServerIdentity> {
    switch (fault) {
      case 'wrong-authority': {
        const stranger = await CertificateAuthority.create()
        return stranger.issueServer(this.#instance.commonName, this.#instance.listenAddresses)
      }
      case 'wrong-address':
        return this.#instance.issueCertificate(WRONG_ADDRESSES)
      case 'expired':
        return this.#instance.issueCertificate(undefined, { notAfter: new Date(Date.now() - HOUR_MS) })
      case 'not-yet-valid':
        return this.#instance.issueCertificate(undefined, { notBefore: new Date(Date.now() + HOUR_MS) })
      case undefined:
        return this.#instance.issueCertificate(undefined, { notBefore: this.#services.clock.notBefore })
    }
  }
}

function listen(port: number, address: string, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept)
    const fail = (error: Error): void => reject(explainListenError(error, { port, address, option: 'port' }))
    server.once('error', fail).listen(port, address, () => resolve(server))
  })
}
