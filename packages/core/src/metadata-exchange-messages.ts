import type { AuthType } from './dialer.ts'

/** What the connector tells the server-side proxy about the caller. */
export interface MetadataExchangeRequest {
  readonly userAgent: string
  readonly authType: AuthType
  /** An access token with the scope `alloydb.login`; sent for every auth type. */
  readonly token: string
}

/** What the server-side proxy answers. */
export interface MetadataExchangeResponse {
  readonly responseCode: number
  /** Why the connection was refused; empty where it was not. */
  readonly error: string
}

/** The response code of a connection that goes on to PostgreSQL. */
export const responseOk = 1

// Protobuf, by hand: two messages of three and two fields. Field numbers and enum values are those of
// google.cloud.alloydb.connectors.v1.MetadataExchangeRequest and MetadataExchangeResponse.
// https://github.com/GoogleCloudPlatform/alloydb-go-connector/tree/main/internal/alloydb/connectors

const authTypes: Readonly<Record<AuthType, number>> = { PASSWORD: 1, IAM: 2 }
const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** Encodes the request as it is sent, with its length in front. */
export function encodeRequest({ userAgent, authType, token }: MetadataExchangeRequest): Buffer {
  const message = Buffer.concat([
    Buffer.alloc(4),
    ...encodeString(1, userAgent),
    Buffer.from([(2 << 3) | wireType.varint, authTypes[authType]]),
    ...encodeString(3, token),
  ])
  message.writeUInt32BE(message.length - 4)
  return message
}

function encodeString(field: number, text: string): [head: Buffer, text: Buffer] {
  const bytes = Buffer.from(text)
  return [Buffer.from([(field << 3) | wireType.bytes, ...encodeVarint(bytes.length)]), bytes]
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return [...bytes, rest]
}

/**
 * Decodes a response, without the length in front. Fields that it does not know are skipped.
 *
 * @throws RangeError where the bytes are no protobuf message
 */
export function decodeResponse(bytes: Buffer): MetadataExchangeResponse {
  let responseCode = 0
  let error = ''
  const reader = new Reader(bytes)
  while (!reader.done) {
    const tag = reader.varint()
    const field = Math.floor(tag / 8)
    const type = tag % 8
    if (field === 1 && type === wireType.varint) responseCode = reader.varint()
    else if (field === 2 && type === wireType.bytes) error = reader.bytes(reader.varint()).toString('utf8')
    else skip(reader, field, type)
  }
  return { responseCode, error }
}

function skip(reader: Reader, field: number, type: number): void {
  if (field === 0) throw new RangeError('a protobuf field has the number 0')
  if (type === wireType.varint) reader.varint()
  else if (type === wireType.fixed64) reader.bytes(8)
  else if (type === wireType.bytes) reader.bytes(reader.varint())
  else if (type === wireType.fixed32) reader.bytes(4)
  else throw new RangeError(`a protobuf field has the unknown wire type ${type}`)
}

class Reader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length
  }

  varint(): number {
    let value = 0
    // Ten bytes at most. Numbers over 2^53 lose precision, and are none that this message knows.
    for (let index = 0; index < 10; index += 1) {
      const byte = this.bytes(1).readUInt8()
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return value
    }
    throw new RangeError('a protobuf number is longer than ten bytes')
  }

  bytes(length: number): Buffer {
    const end = this.#offset + length
    if (end > this.#bytes.length) throw new RangeError('a protobuf field ends beyond its message')
    const bytes = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return bytes
  }
}
