import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { performServerHandshake } from 'node:http2'
import * as net from 'node:net'
import * as tls from 'node:tls'
import { callbackify } from 'node:util'
import { readExactly } from './byte-reader.ts'
import type { ServerIdentity } from './certificate-authority.ts'
import type { Cut } from './fault.ts'
import { grpcExchange, isGrpc } from './grpc.ts'
import { http1Exchange, http2Exchange, type HttpExchange } from './http-exchange.ts'
import { explainListenError } from './listen-error.ts'
import { cut, Sockets, within } from './sockets.ts'
import { TlsHandshakes } from './tls-handshakes.ts'

interface Services {
  /** Makes a certificate for clients that speak TLS: for the names of this machine, and the one that they ask for, if they do. */
  identity: (servername?: string) => Promise<ServerIdentity>
  serve: (exchange: HttpExchange) => Promise<void>
  /**
   * How long a client may take to say which protocol it speaks, and then for the head of a request. Defaults to a minute, as with
   * Node's own servers.
   */
  silenceLimitMs?: number | undefined
}

const SILENCE_LIMIT_MS = 60_000
/** A whole request may take so many times as long as its head. */
const REQUEST_LIMIT_FACTOR = 5

const TLS_HANDSHAKE_RECORD = 0x16
const MAX_NAMES = 100
/** How HTTP/2 begins, and no request of HTTP/1 does. */
const HTTP2_PREFACE = Buffer.from('PRI')

/**
 * One port for every protocol that Google's APIs are called by: HTTP/1.1, HTTP/2 and gRPC, each with TLS and without. A
 * client says by its first bytes which it speaks.
 */
export class HttpPort {
  readonly #services: Services
  readonly #sockets = new Sockets()
  readonly #listener: net.Server
  /** The TCP connection below each one that carries HTTP/1.1. */
  readonly #below = new WeakMap<net.Socket, net.Socket>()
  readonly #http1: Server
  readonly #silenceLimitMs: number
  readonly #contexts = new Map<string, Promise<tls.SecureContext>>()
  #handshakes: Promise<TlsHandshakes> | undefined

  constructor(services: Services) {
    this.#services = services
    this.#silenceLimitMs = services.silenceLimitMs ?? SILENCE_LIMIT_MS
    const limits = {
      headersTimeout: this.#silenceLimitMs,
      requestTimeout: this.#silenceLimitMs * REQUEST_LIMIT_FACTOR,
      connectionsCheckingInterval: this.#silenceLimitMs / 2,
    }
    this.#http1 = createServer(limits, (request, response) => {
      const socket = this.#below.get(request.socket)!
      const secured = request.socket instanceof tls.TLSSocket ? request.socket : undefined
      void this.#services.serve(http1Exchange(request, response, (how) => cut(how, socket, secured)))
    })
    // It looks for slow clients while it listens, and would not know that it does.
    this.#http1.emit('listening')
    this.#listener = net.createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  /** Listens, and returns the port. */
  listen(port: number, address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(explainListenError(error, { port, address, option: 'adminPort' }))
      }
      this.#listener.once('error', fail).listen(port, address, () => {
        resolve((this.#listener.address() as net.AddressInfo).port)
      })
    })
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve))
    this.#sockets.destroy()
    // It has no listener of its own, but a timer that looks for slow clients.
    this.#http1.close()
    await closed
  }

  #accept(socket: net.Socket): void {
    this.#sockets.track(socket)
    // A peer may reset at any time; the socket's close is all that matters.
    socket.on('error', () => {})
    this.#dispatch(socket).catch(() => socket.destroy())
  }

  async #dispatch(socket: net.Socket): Promise<void> {
    const reading = readExactly(socket, HTTP2_PREFACE.length)
    const start = await within(this.#silenceLimitMs, socket, reading).catch(() => undefined)
    if (!start) return
    socket.unshift(start)
    if (start[0] === TLS_HANDSHAKE_RECORD) await this.#secure(socket)
    else if (start.equals(HTTP2_PREFACE)) this.#serveHttp2(socket)
    else this.#serveHttp1(socket)
  }

  async #secure(socket: net.Socket): Promise<void> {
    const handshakes = await (this.#handshakes ??= this.#prepareHandshakes())
    let secured: tls.TLSSocket
    try {
      secured = await handshakes.complete(socket)
    } catch {
      socket.destroy()
      return
    }
    this.#sockets.secure(socket, secured)
    secured.on('error', () => socket.destroy())
    if (secured.alpnProtocol === 'h2') this.#serveHttp2(socket, secured)
    else this.#serveHttp1(socket, secured)
  }

  async #prepareHandshakes(): Promise<TlsHandshakes> {
    return new TlsHandshakes({
      ...(await this.#services.identity()),
      SNICallback: callbackify((servername: string) => this.#contextFor(servername)),
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: this.#silenceLimitMs,
    })
  }

  /** The certificate for a name by which somebody calls this machine: a container's, or one of Google's in a hosts file. */
  #contextFor(servername: string): Promise<tls.SecureContext> {
    const known = this.#contexts.get(servername)
    if (known) return known
    if (this.#contexts.size === MAX_NAMES) this.#contexts.clear()
    const context = this.#services.identity(servername).then(tls.createSecureContext)
    this.#contexts.set(servername, context)
    return context
  }

  #serveHttp1(socket: net.Socket, secured?: tls.TLSSocket): void {
    this.#below.set(secured ?? socket, socket)
    this.#http1.emit('connection', secured ?? socket)
  }

  #serveHttp2(socket: net.Socket, secured?: tls.TLSSocket): void {
    const session = performServerHandshake(secured ?? socket)
    session.on('error', () => socket.destroy())
    // The preface ends with settings. From there on a client may keep an idle connection for as long as it likes.
    void within(this.#silenceLimitMs, socket, once(session, 'remoteSettings')).catch(() => {})
    const cutConnection = (how: Cut): void => {
      if (how === 'RST') socket.resetAndDestroy()
      // An end of the socket alone leaves the session waiting for the other side's.
      else session.destroy()
    }
    session.on('stream', (stream, headers) => {
      // A client may give up on a request; there is nobody left to be told.
      stream.on('error', () => {})
      if (isGrpc(headers)) void this.#serveGrpc(stream, headers, cutConnection)
      else void this.#services.serve(http2Exchange(stream, headers, cutConnection))
    })
  }

  async #serveGrpc(...call: Parameters<typeof grpcExchange>): Promise<void> {
    const exchange = await grpcExchange(...call)
    if (exchange) await this.#services.serve(exchange)
  }
}
