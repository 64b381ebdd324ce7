import type { HttpFailure, HttpFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import type { Faults } from './faults.ts'
import { GoogleError, googleErrorBody } from './google-error.ts'
import type { HttpExchange } from './http-exchange.ts'
import { googleFailure } from './http-failure.ts'
import type { OpenRecord, RequestLog } from './request-log.ts'
import { delay } from './sockets.ts'

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
  errorBody?: (failure: HttpFailure, request: RoutedRequest) => unknown
}

const GARBAGE = '<!DOCTYPE html><html><body>Please log in to the network.</body></html>'

/** A few routes, and the faults that are the same for all. */
export class HttpRouter {
  readonly #routes: readonly Route[]
  readonly #faults: Faults
  readonly #log: RequestLog
  readonly #refuse: (headers: Readonly<Record<string, string>>) => string | undefined

  /** `refuse` says why a request is not answered at all, if it is not. */
  constructor(
    routes: readonly Route[],
    faults: Faults,
    log: RequestLog,
    refuse: (headers: Readonly<Record<string, string>>) => string | undefined,
  ) {
    this.#refuse = refuse
    this.#routes = routes
    this.#faults = faults
    this.#log = log
  }

  /** Answers a request; whatever goes wrong is an answer, too. */
  async serve(exchange: HttpExchange): Promise<void> {
    try {
      const refusal = this.#refuse(exchange.headers)
      if (refusal !== undefined) {
        await send(exchange, { status: 403, body: googleErrorBody(403, 'PERMISSION_DENIED', refusal) })
        return
      }
      const url = parseTarget(exchange.target)
      const path = decodeURIComponent(url.pathname)
      const found = this.#find(exchange.method, path)
      if (!found) {
        await send(exchange, { status: 404, body: googleErrorBody(404, 'NOT_FOUND', 'Method not found.') })
        return
      }
      const { route, params } = found
      const { headers } = exchange
      const resource = route.resource?.(params)
      const record = this.#record(route, resource, headers)
      const body = (await exchange.body()).toString('utf8')
      const fault: HttpFault | undefined = route.step && this.#faults.take(route.step, resource)
      await delay(fault?.delayMs)
      const request = { params, query: url.searchParams, headers, body, record, fault }
      if (fault && (await intercept(route, fault, request, exchange))) {
        record.outcome = 'faulted'
        return
      }
      const answer = await respond(route, request)
      await send(exchange, answer, fault?.chunkBytes)
    } catch (error) {
      const failure = failureOf(error)
      await send(exchange, { status: failure.httpStatus, body: failure })
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

/** A path that begins with two slashes is a path, and names no host. */
function parseTarget(target: string): URL {
  const base = 'http://localhost'
  const text = target.startsWith('/') ? `${base}${target}` : target
  if (URL.canParse(text, base)) return new URL(text, base)
  throw new GoogleError('INVALID_ARGUMENT', 'The request has no valid path.')
}

function failureOf(error: unknown): GoogleError {
  if (error instanceof GoogleError) return error
  const status = error instanceof URIError ? 'INVALID_ARGUMENT' : 'INTERNAL'
  return new GoogleError(status, error instanceof Error ? error.message : String(error))
}

/** Brings about a fault that replaces the whole answer. Tells whether it did. */
async function intercept(
  route: Route,
  fault: HttpFault,
  request: RoutedRequest,
  exchange: HttpExchange,
): Promise<boolean> {
  if (fault.stall) return true
  if (fault.close) {
    exchange.cut(fault.close)
    return true
  }
  if (fault.fail) {
    const { status, retryAfterSeconds } = fault.fail
    const body: unknown = route.errorBody
      ? await route.errorBody(fault.fail, request)
      : googleFailure(fault.fail)
    await send(exchange, { status, headers: retryAfter(retryAfterSeconds), body }, fault.chunkBytes)
    return true
  }
  if (fault.garbage) {
    const body = Buffer.from(bytesOf(fault.garbage === true ? GARBAGE : fault.garbage))
    await exchange.respond({ status: 200, headers: {}, body, chunkBytes: fault.chunkBytes })
    return true
  }
  return false
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
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
    return { status: error.httpStatus, headers: retryAfter(error.retryAfterSeconds), body: error }
  }
}

function send(
  exchange: HttpExchange,
  { status = 200, headers = {}, body }: RoutedResponse,
  chunkBytes?: number,
): Promise<void> {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain' : 'application/json'
  const text = isText ? body : `${JSON.stringify(body, undefined, 2)}\n`
  return exchange.respond({
    status,
    headers: { ...headers, 'content-type': `${type}; charset=UTF-8` },
    body: Buffer.from(text),
    chunkBytes,
  })
}
