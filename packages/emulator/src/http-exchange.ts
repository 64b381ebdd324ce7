import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Readable, Writable } from 'node:stream'
import type { Cut } from './fault.ts'
import { GoogleError } from './google-error.ts'
import { within } from './sockets.ts'

/** A request and the way to answer it, whichever protocol it came by. */
export interface HttpExchange {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  /** Reads the whole body. */
  body(): Promise<Buffer>
  /** Answers, with the body in pieces of `chunkBytes`; a second answer is dropped. */
  respond(response: HttpResponse): Promise<void>
  /** Cuts the connection, with whatever else it carries. */
  cut(how: Cut): void
}

export interface HttpResponse {
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer
  chunkBytes?: number | undefined
}

const MAX_BODY_BYTES = 1024 * 1024
/** As with Node's own servers, which have it for HTTP/1.1 alone. */
const REQUEST_LIMIT_MS = 300_000

/** A request of HTTP/1.1. */
export function http1Exchange(
  request: IncomingMessage,
  response: ServerResponse,
  cut: HttpExchange['cut'],
): HttpExchange {
  return {
    method: request.method ?? '',
    target: request.url ?? '/',
    headers: plainHeaders(request.headers),
    body: () => readAll(request),
    respond: async ({ status, headers, body, chunkBytes }) => {
      if (response.headersSent) return
      response.writeHead(status, headers)
      await writeInPieces(response, body, chunkBytes)
      response.end()
    },
    cut,
  }
}

/** A request of HTTP/2. */
export function http2Exchange(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  cut: HttpExchange['cut'],
): HttpExchange {
  return {
    method: String(headers[':method']),
    target: String(headers[':path']),
    headers: plainHeaders(headers),
    body: () => readRequest(stream),
    respond: async ({ status, headers: given, body, chunkBytes }) => {
      if (stream.headersSent || stream.destroyed) return
      stream.respond({ ...given, ':status': status })
      await writeInPieces(stream, body, chunkBytes)
      stream.end()
    },
    cut,
  }
}

/** Writes all of the bytes, a piece at a time, and does not end the stream. */
export async function writeInPieces(stream: Writable, bytes: Buffer, pieceBytes?: number): Promise<void> {
  const size = pieceBytes ?? bytes.length
  for (let offset = 0; offset < bytes.length && !stream.destroyed; offset += size) {
    stream.write(bytes.subarray(offset, offset + size))
    await new Promise(setImmediate)
  }
}

/** Reads the whole request of a client that does not take too long for it. */
export function readRequest(stream: ServerHttp2Stream): Promise<Buffer> {
  return within(REQUEST_LIMIT_MS, stream, readAll(stream))
}

/** Reads a stream to its end. */
async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new GoogleError('INVALID_ARGUMENT', 'The request is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The headers as texts, without HTTP/2's own but the one that is called `host` elsewhere. */
export function plainHeaders({
  ':authority': host,
  ...headers
}: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries({ ...(host !== undefined && { host }), ...headers })
  return Object.fromEntries(
    entries.filter(([name]) => !name.startsWith(':')).map(([name, value]) => [name, String(value)]),
  )
}
