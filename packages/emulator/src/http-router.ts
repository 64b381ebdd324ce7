import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { HttpFailure, HttpFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import type { Faults } from './faults.ts'
import { GoogleError, googleErrorBody, statusOf } from './google-error.ts'
import { explainListenError } from './listen-error.ts'
import type { OpenRecord, RequestLog } from './request-log.ts'
import { cut, delay, Sockets } from './sockets.ts'

/** A request whose path has matched a route. */
export interface RoutedRequest {
  /** What the groups of the route's pattern matched, in the decoded path. */
  params: readonly string[]
  query: URLSearchParams
  headers: Readonly<Record<string, string>>
  body: string
  record: OpenRecord
  /** The fault that the request met, for those of its effects that only the route can bring about. */
  fault: HttpFault | undefined
}

export interface RoutedResponse {
  /** A text is sent as it is, anything else as JSON. */
  body: unknown
  status?: number
  headers?: Readonly<Record<string, string>>
}

export interface Route {
  method: 'GET' | 'POST' | 'DELETE' | 'ANY'
  /** Matched against the whole decoded path. */
  pattern: RegExp
  /** The step under which requests are recorded and meet faults; without one they do neither. */
  step?: 'token' | 'connectionInfo' | 'certificate'
  /** What faults and records call the thing asked for; by default nothing. */
  resource?: (params: readonly string[]) => string
  handle(request: RoutedRequest): Promise<RoutedResponse>
  /** The body of an error response, in the endpoint's own shape. */
  errorBody?: (failure: HttpFailure) => unknown
}

const MAX_BODY_BYTES = 1024 * 1024
const GARBAGE = '<!DOCTYPE html><html><body>Please log in to the network.</body></html>'

/** The HTTP side of the emulator: a few routes on a loopback port, and the faults that are the same for all. */
export class HttpRouter {
  readonly #routes: readonly Route[]
  readonly #faults: Faults
  readonly #log: RequestLog
  readonly #sockets = new Sockets()
  readonly #server: Server

  constructor(routes: readonly Route[], faults: Faults, log: RequestLog) {
    this.#routes = routes
    this.#faults = faults
    this.#log = log
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket: Socket) => this.#sockets.track(socket))
  }

  /** Listens on 127.0.0.1 and returns the port. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const address = '127.0.0.1'
      const fail = (error: Error): void => {
        reject(explainListenError(error, { port, address, option: 'adminPort' }))
      }
      this.#server.once('error', fail).listen(port, address, () => {
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#sockets.destroy()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const path = decodeURIComponent(url.pathname)
      const found = this.#find(request.method, path)
      if (!found) {
        send(response, { status: 404, body: googleErrorBody(404, 'NOT_FOUND', 'Method not found.') })
        return
      }
      const { route, params } = found
      const resource = route.resource?.(params)
      const headers = plainHeaders(request)
      const record = this.#record(route, resource, headers)
      const body = await readBody(request)
      const fault: HttpFault | undefined = route.step && this.#faults.take(route.step, resource)
      await delay(fault?.delayMs)
      if (fault && intercept(route, fault, request, response)) {
        record.outcome = 'faulted'
        return
      }
      const answer = await respond(route, {
        params,
        query: url.searchParams,
        headers,
        body,
        record,
        fault,
      })
      send(response, answer, fault?.chunkBytes)
    } catch (error) {
      const status = error instanceof URIError ? 'INVALID_ARGUMENT' : 'INTERNAL'
      const failure = new GoogleError(status, error instanceof Error ? error.message : String(error))
      if (!response.headersSent) send(response, { status: failure.httpStatus, body: failure })
    }
  }

  #record(route: Route, resource: string | undefined, headers: Readonly<Record<string, string>>): OpenRecord {
    if (!route.step) return { step: 'token', at: Date.now(), outcome: 'pending' }
    const { authorization: _, ...shown } = headers
    return this.#log.open(route.step, { resource, headers: shown })
  }

  #find(method: string | undefined, path: string): { route: Route; params: string[] } | undefined {
    for (const route of this.#routes) {
      const match = route.pattern.exec(path)
      if (match && (route.method === 'ANY' || route.method === method)) {
        return { route, params: match.slice(1) }
      }
    }
    return undefined
  }
}

/** Brings about a fault that replaces the whole answer. Tells whether it did. */
function intercept(
  route: Route,
  fault: HttpFault,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (fault.stall) return true
  if (fault.close) {
    cut(fault.close, request.socket, undefined)
    return true
  }
  if (fault.fail) {
    const { status, retryAfterSeconds } = fault.fail
    const body = (route.errorBody ?? googleFailure)(fault.fail)
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
    send(response, { status, headers, body }, fault.chunkBytes)
    return true
  }
  if (fault.garbage) {
    const bytes = fault.garbage === true ? GARBAGE : fault.garbage
    void sendBytes(response, bytesOf(bytes), fault.chunkBytes)
    return true
  }
  return false
}

function googleFailure({ status, message = 'The emulator was told to fail.', reason }: HttpFailure): unknown {
  const info = reason === undefined ? undefined : { reason, domain: 'googleapis.com' }
  return googleErrorBody(status, statusOf(status), message, info)
}

async function respond(route: Route, request: RoutedRequest): Promise<RoutedResponse> {
  try {
    const response = await route.handle(request)
    request.record.outcome = (response.status ?? 200) < 400 ? 'served' : 'refused'
    return response
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error
    request.record.outcome = 'refused'
    request.record.reason = error.message
    return { status: error.httpStatus, body: error }
  }
}

function send(
  response: ServerResponse,
  { status = 200, headers = {}, body }: RoutedResponse,
  chunkBytes?: number,
): void {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain' : 'application/json'
  response.writeHead(status, { ...headers, 'content-type': `${type}; charset=UTF-8` })
  const text = isText ? body : `${JSON.stringify(body, undefined, 2)}\n`
  void sendBytes(response, Buffer.from(text), chunkBytes)
}

async function sendBytes(response: ServerResponse, bytes: Buffer, chunkBytes = bytes.length): Promise<void> {
  for (let offset = 0; offset < bytes.length && !response.destroyed; offset += chunkBytes) {
    response.write(bytes.subarray(offset, offset + chunkBytes))
    await new Promise(setImmediate)
  }
  response.end()
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new Error('The request is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
