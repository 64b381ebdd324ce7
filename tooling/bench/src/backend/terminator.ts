import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import type { Identities } from './identities.ts'

/** The metadata exchange's answer: code 1, OK. */
const exchangeOk = Buffer.from([0, 0, 0, 2, 8, 1])
/** PostgreSQL's request for encryption, which the driver's own TLS begins with. */
const sslRequestLength = 8

/** The other end of all TLS connections: no more than the protocol asks for, so that the client's cost shows. */
export class Terminator {
  /** The Unix socket of PostgreSQL, once there is one. */
  socketPath: string | undefined
  readonly #identities: Identities
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  constructor(identities: Identities) {
    this.#identities = identities
  }

  /** Listens for what AlloyDB's connectors speak: TLS, the metadata exchange, PostgreSQL. */
  listenForAlloyDB(port: number = 0): Promise<number> {
    return this.#listen(
      this.#createTlsServer((socket) => this.#exchange(socket)),
      port,
    )
  }

  /** Listens for what Cloud SQL's connectors speak: TLS, PostgreSQL. */
  listenForCloudSql(port: number): Promise<number> {
    return this.#listen(
      this.#createTlsServer((socket) => this.#relay(socket)),
      port,
    )
  }

  /** Listens for what drivers speak by themselves: an SSLRequest, TLS, PostgreSQL. */
  listenForDrivers(): Promise<number> {
    const tlsServer = this.#createTlsServer((socket) => this.#relay(socket))
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {})
      const onReadable = (): void => {
        if (socket.read(sslRequestLength) === null) return
        socket.off('readable', onReadable)
        socket.write('S', () => tlsServer.emit('connection', socket))
      }
      socket.on('readable', onReadable)
    })
    return this.#listen(server, 0)
  }

  /** Closes everything. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => server.close() && once(server, 'close')))
  }

  #createTlsServer(serve: (socket: tls.TLSSocket) => void): tls.Server {
    return tls.createServer(
      {
        ...this.#identities.server,
        ca: this.#identities.rootPem,
        requestCert: true,
        minVersion: 'TLSv1.3',
        noDelay: true,
      },
      (socket) => {
        socket.on('error', () => {})
        this.#track(socket)
        serve(socket)
      },
    )
  }

  /** Reads the request by its length in front, and agrees to whatever it says. */
  #exchange(socket: tls.TLSSocket): void {
    let length: number | undefined
    const onReadable = (): void => {
      const header = length === undefined ? (socket.read(4) as Buffer | null) : null
      length ??= header?.readUInt32BE()
      if (length === undefined || socket.read(length) === null) return
      socket.off('readable', onReadable)
      socket.write(exchangeOk)
      this.#relay(socket)
    }
    socket.on('readable', onReadable)
  }

  /** Joins the client and PostgreSQL as soon as the client says something. */
  #relay(socket: tls.TLSSocket): void {
    const onReadable = (): void => {
      const first = socket.read() as Buffer | null
      if (first === null) return
      socket.off('readable', onReadable)
      if (this.socketPath === undefined) throw new Error('A client speaks to PostgreSQL, and there is none.')
      const upstream = connect(this.socketPath)
      this.#track(upstream)
      upstream.on('error', () => {})
      upstream.once('close', () => socket.destroy())
      socket.once('close', () => upstream.destroy())
      upstream.write(first)
      socket.pipe(upstream)
      upstream.pipe(socket)
    }
    socket.on('readable', onReadable)
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  async #listen(server: Server, port: number): Promise<number> {
    server.listen({ port, host: '127.0.0.1', backlog: 4_096 })
    await once(server, 'listening')
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }
}
