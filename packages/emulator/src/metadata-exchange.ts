import type { Duplex } from 'node:stream'
import { readExactly } from './byte-reader.ts'

/** The first message on a connection, from the client. */
export interface ExchangeRequest {
  userAgent: string
  authType: 'UNSPECIFIED' | 'DB_NATIVE' | 'AUTO_IAM'
  oauth2Token: string
}

const MAX_REQUEST_BYTES = 16 * 1024
const AUTH_TYPES = ['UNSPECIFIED', 'DB_NATIVE', 'AUTO_IAM'] as const
const WIRE_VARINT = 0
const WIRE_I64 = 1
const WIRE_BYTES = 2
const WIRE_I32 = 5

/** The response that lets a client through: a message of two bytes, `response_code: OK`. */
export const EXCHANGE_OK: Buffer = Buffer.from([0, 0, 0, 2, 0x08, 0x01])

/** A response with `response_code: ERROR` and a text. */
export function encodeExchangeError(text: string): Buffer {
  const error = Buffer.from(text)
  return frame(Buffer.concat([Buffer.from([0x08, 0x02, 0x12, ...encodeVarint(error.length)]), error]))
}

/** Reads the client's request, and nothing after it. */
export async function readExchangeRequest(stream: Duplex): Promise<ExchangeRequest> {
  const length = (await readExactly(stream, 4)).readUInt32BE(0)
  if (length > MAX_REQUEST_BYTES) {
    throw new Error(`metadata exchange request of ${length} bytes, where ${MAX_REQUEST_BYTES} are the most`)
  }
  return decodeExchangeRequest(await readExactly(stream, length))
}

/** Decodes a `MetadataExchangeRequest`; unknown fields are skipped, as protobuf wants it. */
function decodeExchangeRequest(message: Buffer): ExchangeRequest {
  const request: ExchangeRequest = { userAgent: '', authType: 'UNSPECIFIED', oauth2Token: '' }
  let offset = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[offset++]
      if (byte === undefined) throw new Error('truncated metadata exchange request')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Error('malformed number in metadata exchange request')
  }
  const skip = (length: number): Buffer => {
    if (offset + length > message.length) throw new Error('truncated metadata exchange request')
    return message.subarray(offset, (offset += length))
  }
  while (offset < message.length) {
    const tag = varint()
    const [field, wireType] = [Math.floor(tag / 8), tag % 8]
    if (wireType === WIRE_VARINT) {
      const value = varint()
      if (field === 2) request.authType = AUTH_TYPES[value] ?? 'UNSPECIFIED'
    } else if (wireType === WIRE_BYTES) {
      const text = skip(varint()).toString('utf8')
      if (field === 1) request.userAgent = text
      if (field === 3) request.oauth2Token = text
    } else if (wireType === WIRE_I64) skip(8)
    else if (wireType === WIRE_I32) skip(4)
    else throw new Error(`unknown wire type ${wireType} in metadata exchange request`)
  }
  return request
}

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return [...bytes, value]
}
