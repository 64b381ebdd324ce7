import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import {
  ADMIN_METHODS,
  ERROR_INFO,
  RETRY_INFO,
  STATUS,
  STATUS_DETAILS_FIELD,
  type AdminMethod,
} from './admin-messages.ts'
import { ERROR_INFO_TYPE, RETRY_INFO_TYPE } from './google-error.ts'
import {
  plainHeaders,
  readRequest,
  writeInPieces,
  type HttpExchange,
  type HttpResponse,
} from './http-exchange.ts'
import { decodeMessage, encodeMessage, writeField, type MessageType } from './protobuf.ts'

// Google's front end serves one API by REST and by gRPC. Here a gRPC call becomes the REST call that it is the same as, so that
// both meet the same checks, records and faults.

const PATH = /^\/google\.cloud\.alloydb\.(v1|v1beta|v1alpha)\.AlloyDBAdmin\/(\w+)$/
const FRAME_HEADER_BYTES = 5

/** What the details of an error may be, by their types. */
const DETAILS = new Map<unknown, MessageType>([
  [ERROR_INFO_TYPE, ERROR_INFO],
  [RETRY_INFO_TYPE, RETRY_INFO],
])

/** The numbers of google.rpc.Code, by its names. */
const CODES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** Tells whether an HTTP/2 request is a gRPC call. */
export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/grpc') ?? false
}

/** A gRPC call, as the REST call that it is the same as. Its message has been read. */
export async function grpcExchange(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  cut: HttpExchange['cut'],
): Promise<HttpExchange | undefined> {
  const [, version, name = ''] = PATH.exec(String(headers[':path'])) ?? []
  const method = Object.hasOwn(ADMIN_METHODS, name) ? ADMIN_METHODS[name] : undefined
  if (!version || !method) {
    fail(stream, { code: 'UNIMPLEMENTED', message: 'Method not found.' })
    return undefined
  }
  let request: Record<string, unknown>
  try {
    request = decodeMessage(method.request, unframe(await readRequest(stream)))
  } catch (error) {
    fail(stream, { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) })
    return undefined
  }
  const { [method.resource]: resource = '', ...fields } = request
  const { requestId } = fields
  const query = typeof requestId === 'string' ? `?requestId=${encodeURIComponent(requestId)}` : ''
  return {
    method: method.verb,
    target: `/${version}/${encodeURI(String(resource))}${method.suffix}${method.verb === 'GET' ? query : ''}`,
    headers: plainHeaders(headers),
    body: () => Promise.resolve(Buffer.from(method.verb === 'GET' ? '' : JSON.stringify(fields))),
    respond: (response) => respond(stream, method, response),
    cut,
  }
}

/** Takes the one message out of its frame: a byte that tells whether it is compressed, and its length. */
function unframe(body: Buffer): Buffer {
  if (body.length < FRAME_HEADER_BYTES) throw new Error('The request has no message.')
  if (body[0] !== 0) throw new Error('The message is compressed, which the emulator did not offer.')
  const length = body.readUInt32BE(1)
  if (body.length !== FRAME_HEADER_BYTES + length) throw new Error('The request has not exactly one message.')
  return body.subarray(FRAME_HEADER_BYTES)
}

function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header.writeUInt32BE(message.length, 1)
  return Buffer.concat([header, message])
}

async function respond(
  stream: ServerHttp2Stream,
  method: AdminMethod,
  { status, headers, body, chunkBytes }: HttpResponse,
): Promise<void> {
  if (stream.headersSent || stream.destroyed) return
  const json = parseJson(body)
  if (status !== 200) {
    fail(stream, parseError(json), headers)
    return
  }
  // What is not JSON came from a fault, which wants it sent as it is.
  const message = json ? frame(encodeMessage(method.response, json)) : body
  stream.respond(
    { ...headers, ':status': 200, 'content-type': 'application/grpc' },
    { waitForTrailers: true },
  )
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  await writeInPieces(stream, message, chunkBytes)
  stream.end()
}

interface RpcError {
  code: string
  message: string
  details?: readonly Record<string, unknown>[]
}

/** Answers with a status alone. */
function fail(
  stream: ServerHttp2Stream,
  { code, message, details = [] }: RpcError,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (stream.headersSent || stream.destroyed) return
  const number = Math.max(CODES.indexOf(code), CODES.indexOf('UNKNOWN'))
  const status = Buffer.concat([
    encodeMessage(STATUS, { code: number, message }),
    ...details.flatMap(encodeDetail).map((detail) => writeField(STATUS_DETAILS_FIELD, detail)),
  ])
  stream.respond(
    {
      ...headers,
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(number),
      // Only printable ASCII may travel as it is.
      'grpc-message': encodeURI(message),
      ...(details.length > 0 && { 'grpc-status-details-bin': status.toString('base64').replace(/=+$/, '') }),
    },
    { endStream: true },
  )
  // Whatever of the request is still to come is read and dropped.
  stream.resume()
}

/** A `google.protobuf.Any`; nothing where the detail is of no known type. */
function encodeDetail(detail: Readonly<Record<string, unknown>>): Buffer[] {
  const type = DETAILS.get(detail['@type'])
  if (!type) return []
  const name = Buffer.from(String(detail['@type']))
  return [Buffer.concat([writeField(1, name), writeField(2, encodeMessage(type, detail))])]
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Reads `{"error":{"status","message","details"}}`. */
function parseError(json: Record<string, unknown> | undefined): RpcError {
  const error = json?.['error']
  if (typeof error !== 'object' || error === null) return { code: 'UNKNOWN', message: 'Unknown error.' }
  const { status, message, details }: { status?: unknown; message?: unknown; details?: unknown } = error
  return {
    code: String(status),
    message: String(message),
    details: Array.isArray(details) ? details : [],
  }
}
