import type { Duplex } from 'node:stream'
import { readExactly } from './byte-reader.ts'
import { readFields, writeField } from './protobuf.ts'

/** The first message on a connection, from the client. */
export interface ExchangeRequest {
  userAgent: string
  authType: 'UNSPECIFIED' | 'DB_NATIVE' | 'AUTO_IAM'
  oauth2Token: string
}

const MAX_REQUEST_BYTES = 16 * 1024
const AUTH_TYPES = ['UNSPECIFIED', 'DB_NATIVE', 'AUTO_IAM'] as const

/** The response that lets a client through: a message of two bytes, `response_code: OK`. */
export const EXCHANGE_OK: Buffer = Buffer.from([0, 0, 0, 2, 0x08, 0x01])

/** A response with `response_code: ERROR` and a text. */
export function encodeExchangeError(text: string): Buffer {
  return frame(Buffer.concat([writeField(1, 2), writeField(2, Buffer.from(text))]))
}

/** Reads the client's request, and nothing after it. */
export async function readExchangeRequest(stream: Duplex): Promise<ExchangeRequest> {
  const length = (await readExactly(stream, 4)).readUInt32BE(0)
  if (length > MAX_REQUEST_BYTES) {
    throw new Error(`metadata exchange request of ${length} bytes, where ${MAX_REQUEST_BYTES} are the most`)
  }
  const message = await readExactly(stream, length)
  try {
    return decodeExchangeRequest(message)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`malformed metadata exchange request: ${reason}`, { cause })
  }
}

/** Decodes a `MetadataExchangeRequest`; unknown fields are skipped, as protobuf wants it. */
function decodeExchangeRequest(message: Buffer): ExchangeRequest {
  const request: ExchangeRequest = { userAgent: '', authType: 'UNSPECIFIED', oauth2Token: '' }
  for (const { number, value } of readFields(message)) {
    if (typeof value === 'number') {
      if (number === 2) request.authType = AUTH_TYPES[value] ?? 'UNSPECIFIED'
    } else if (number === 1) request.userAgent = value.toString('utf8')
    else if (number === 3) request.oauth2Token = value.toString('utf8')
  }
  return request
}

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}
