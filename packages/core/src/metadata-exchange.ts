import type { TLSSocket } from 'node:tls'
import { messageOf } from './message-of.ts'
import {
  decodeResponse,
  encodeRequest,
  responseOk,
  type MetadataExchangeRequest,
} from './metadata-exchange-messages.ts'
import { parsePostgresError } from './postgres-error-response.ts'

/** The longest response that is read, in bytes: as in the Go connector. */
const maxResponseLength = 16 * 1024

/** How the exchange failed, for those failures that are not the socket's own. */
export type ExchangeFailure = 'closed' | 'rejected' | 'invalid' | 'postgres-error'

/** The exchange failed by what the server said, or by its silence. */
export class ExchangeError extends Error {
  readonly failure: ExchangeFailure

  constructor(failure: ExchangeFailure, message: string) {
    super(message)
    this.failure = failure
  }
}

/**
 * Tells the server-side proxy who is calling, and waits until it has agreed. Both messages have their length in front,
 * four bytes, big-endian, that do not count themselves.
 *
 * Exactly the response is read: bytes behind it are PostgreSQL's and stay in the socket, which is left with no
 * listener of this and not flowing. On failure it is destroyed. Its errors are heard by someone else, too.
 */
export function exchangeMetadata(
  socket: TLSSocket,
  request: MetadataExchangeRequest,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const response = readResponse(socket)
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError)
    }
    const onReadable = (): void => {
      try {
        if (response.next().done !== true) return
      } catch (error) {
        onError(error as Error)
        return
      }
      settle()
      resolve()
    }
    const onError = (error: Error): void => {
      settle()
      socket.destroy()
      reject(error)
    }
    const onEnd = (): void => onError(new ExchangeError('closed', 'the server closed the connection'))
    const onAbort = (): void => onError(signal.reason as Error)

    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError)
    signal.addEventListener('abort', onAbort, { once: true })
    if (socket.destroyed) onEnd()
    else socket.write(encodeRequest(request))
  })
}

/** Reads the response, yielding where more bytes have to arrive. */
function* readResponse(socket: TLSSocket): Generator<void, void, void> {
  const header = yield* read(socket, 4)
  const length = header.readUInt32BE()
  if (length > maxResponseLength) {
    // Where there is no exchange, PostgreSQL answers it with an ErrorResponse: "E", then four bytes of length. Its
    // first four bytes make a length here that no response can have.
    const postgresError = header[0] === 0x45 ? yield* readPostgresError(socket, header) : undefined
    if (postgresError !== undefined) throw new ExchangeError('postgres-error', postgresError)
    throw new ExchangeError('invalid', `the response claims to be ${length} bytes long`)
  }
  const body = length === 0 ? Buffer.alloc(0) : yield* read(socket, length)
  const { responseCode, error } = decode(body)
  if (responseCode !== responseOk) {
    const saysWhy = /[^\s.]/.test(error)
    throw new ExchangeError(
      'rejected',
      saysWhy ? error : `the response code is ${responseCode}, with no reason given`,
    )
  }
}

function decode(body: Buffer): ReturnType<typeof decodeResponse> {
  try {
    return decodeResponse(body)
  } catch (error) {
    throw new ExchangeError('invalid', messageOf(error))
  }
}

function* readPostgresError(socket: TLSSocket, header: Buffer): Generator<void, string | undefined, void> {
  const rest = yield* read(socket, 1)
  const length = Buffer.concat([header.subarray(1), rest]).readUInt32BE()
  if (length <= 4 || length > maxResponseLength) return undefined
  return parsePostgresError(yield* read(socket, length - 4))
}

function* read(socket: TLSSocket, length: number): Generator<void, Buffer, void> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    // At its end a stream gives whatever is left.
    if (bytes !== null && bytes.length < length) {
      throw new ExchangeError('closed', 'the server closed the connection in the middle of its response')
    }
    if (bytes !== null) return bytes
    yield
  }
}
