const WIRE_VARINT = 0
const WIRE_I64 = 1
const WIRE_BYTES = 2
const WIRE_I32 = 5

/** A field as it travels: a number for a varint, else its bytes. */
export interface WireField {
  number: number
  value: number | Buffer
}

/**
 * Takes a message apart. Fields of a fixed size are left out: no message that the emulator reads has any.
 *
 * @throws {Error} where the bytes are not a protobuf message.
 */
export function* readFields(message: Buffer): Generator<WireField> {
  let offset = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[offset++]
      if (byte === undefined) throw new Error('truncated message')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Error('malformed number')
  }
  const take = (length: number): Buffer => {
    if (offset + length > message.length) throw new Error('truncated message')
    return message.subarray(offset, (offset += length))
  }
  while (offset < message.length) {
    const tag = varint()
    const [number, wireType] = [Math.floor(tag / 8), tag % 8]
    if (wireType === WIRE_VARINT) yield { number, value: varint() }
    else if (wireType === WIRE_BYTES) yield { number, value: take(varint()) }
    else if (wireType === WIRE_I64) take(8)
    else if (wireType === WIRE_I32) take(4)
    else throw new Error(`unknown wire type ${wireType}`)
  }
}

/** Writes a field: a number as a varint, else the bytes with their length. */
export function writeField(number: number, value: number | Uint8Array): Buffer {
  if (typeof value === 'number') return Buffer.from([...varint(number * 8 + WIRE_VARINT), ...varint(value)])
  return Buffer.concat([Buffer.from([...varint(number * 8 + WIRE_BYTES), ...varint(value.length)]), value])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return [...bytes, value]
}

/** The fields of a message, by their names in JSON. */
export interface MessageType {
  readonly [jsonName: string]: readonly [number: number, type: FieldType]
}

/** What a field holds: `strings` for a repeated one, `map` for one of strings to strings, an array for the names of an enum. */
type FieldType =
  | 'string'
  | 'strings'
  | 'bool'
  | 'int32'
  | 'duration'
  | 'timestamp'
  | 'map'
  | readonly string[]
  | { message: MessageType }
  | { messages: MessageType }

/** Decodes a message into what its JSON would hold. Fields that are not in the type are skipped. */
export function decodeMessage(type: MessageType, message: Buffer): Record<string, unknown> {
  const fields = new Map(Object.entries(type).map(([name, [number, kind]]) => [number, { name, kind }]))
  const json: Record<string, unknown> = {}
  for (const { number, value } of readFields(message)) {
    const field = fields.get(number)
    if (field) json[field.name] = decodeValue(field.kind, value, json[field.name])
  }
  return json
}

function decodeValue(kind: FieldType, value: number | Buffer, known: unknown): unknown {
  if (typeof value === 'number') {
    if (kind === 'bool') return value !== 0
    return Array.isArray(kind) ? (kind[value] ?? value) : value
  }
  if (kind === 'strings') return [...asArray(known), value.toString('utf8')]
  if (kind === 'duration') {
    const { seconds = 0, nanos = 0 } = decodeMessage(SECONDS_AND_NANOS, value)
    return `${Number(seconds) + Number(nanos) / 1e9}s`
  }
  return value.toString('utf8')
}

/** Encodes what a message's JSON holds, as far as the type has a field for it. */
export function encodeMessage(type: MessageType, json: Readonly<Record<string, unknown>>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of Object.entries(json)) {
    const field = type[name]
    if (!field || value === undefined) continue
    parts.push(...encodeValue(field[1], value).map((item) => writeField(field[0], item)))
  }
  return Buffer.concat(parts)
}

function encodeValue(kind: FieldType, value: unknown): (number | Buffer)[] {
  if (typeof kind === 'object' && 'message' in kind) return [encodeMessage(kind.message, asRecord(value))]
  if (typeof kind === 'object' && 'messages' in kind) {
    return asArray(value).map((item) => encodeMessage(kind.messages, asRecord(item)))
  }
  if (typeof kind === 'object') return [Math.max(kind.indexOf(String(value)), 0)]
  switch (kind) {
    case 'strings':
      return asArray(value).map((item) => Buffer.from(String(item)))
    case 'bool':
    case 'int32':
      return [Number(value)]
    case 'map':
      return Object.entries(asRecord(value)).map((entry) =>
        Buffer.concat(entry.map((item, index) => writeField(index + 1, Buffer.from(String(item))))),
      )
    case 'duration':
      return [encodeSeconds(Number.parseFloat(String(value)))]
    case 'timestamp':
      return [encodeSeconds(Date.parse(String(value)) / 1000)]
    case 'string':
      return [Buffer.from(String(value))]
  }
}

/** A `google.protobuf.Duration` or `google.protobuf.Timestamp`. */
const SECONDS_AND_NANOS: MessageType = { seconds: [1, 'int32'], nanos: [2, 'int32'] }

function encodeSeconds(value: number): Buffer {
  const seconds = Math.floor(value)
  return encodeMessage(SECONDS_AND_NANOS, { seconds, nanos: Math.round((value - seconds) * 1e9) })
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
