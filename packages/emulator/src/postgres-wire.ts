import type { Duplex } from 'node:stream'
import { readExactly } from './byte-reader.ts'

/** What a client may say first. See "Message Formats" in PostgreSQL's documentation. */
type FirstMessage =
  | { kind: 'startup'; raw: Buffer; parameters: ReadonlyMap<string, string> }
  | { kind: 'cancel'; raw: Buffer }
  | { kind: 'encryption' }

/** What opens a session: anything but the request for encryption, which may come before it. */
export type OpeningMessage = Exclude<FirstMessage, { kind: 'encryption' }>

/** The fields of an ErrorResponse. */
export interface PostgresErrorFields {
  /** SQLSTATE, such as `28P01`. */
  code: string
  message: string
  detail?: string | undefined
  hint?: string | undefined
}

const CANCEL_REQUEST = 80877102
const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
// PostgreSQL's own limit, MAX_STARTUP_PACKET_LENGTH.
const MAX_STARTUP_LENGTH = 10_000

/** Reads the message that opens a session. */
export async function readOpeningMessage(stream: Duplex): Promise<OpeningMessage> {
  const message = await readFirstMessage(stream)
  if (message.kind !== 'encryption') return message
  // The connection is encrypted already.
  stream.write('N')
  return readOpeningMessage(stream)
}

/** Reads the message that opens a PostgreSQL connection, and nothing after it. */
async function readFirstMessage(stream: Duplex): Promise<FirstMessage> {
  const head = await readExactly(stream, 8)
  const length = head.readUInt32BE(0)
  if (length < 8 || length > MAX_STARTUP_LENGTH)
    throw new Error(`invalid length of startup packet: ${length}`)
  const rest = await readExactly(stream, length - 8)
  const raw = Buffer.concat([head, rest])
  switch (head.readUInt32BE(4)) {
    case CANCEL_REQUEST:
      return { kind: 'cancel', raw }
    case SSL_REQUEST:
    case GSSENC_REQUEST:
      return { kind: 'encryption' }
    default:
      return { kind: 'startup', raw, parameters: parseParameters(rest) }
  }
}

const AUTHENTICATION_CLEARTEXT_PASSWORD = Buffer.from([0, 0, 0, 3])
// PostgreSQL's own limit, PG_MAX_AUTH_TOKEN_LENGTH.
const MAX_PASSWORD_LENGTH = 65_535

/** Asks a client for its password, in clear: TLS is around it. */
export async function askForPassword(stream: Duplex): Promise<string> {
  stream.write(encodeMessage('R', AUTHENTICATION_CLEARTEXT_PASSWORD))
  const head = await readExactly(stream, 5)
  const [type, length] = [String.fromCharCode(head[0]!), head.readUInt32BE(1)]
  if (type !== 'p') throw new Error(`expected password response, got message type "${type}"`)
  if (length < 4 || length > MAX_PASSWORD_LENGTH) throw new Error(`invalid length of password: ${length}`)
  return (await readExactly(stream, length - 4)).toString('utf8').replace(/\0$/, '')
}

function parseParameters(body: Buffer): Map<string, string> {
  const words = body.toString('utf8').split('\0')
  const parameters = new Map<string, string>()
  for (let i = 0; words[i]; i += 2) parameters.set(words[i]!, words[i + 1] ?? '')
  return parameters
}

/** One message of the server's. */
export interface BackendMessage {
  /** The type's letter: `R`, `E`, `D`, `Z`, … */
  type: string
  body: Buffer
}

export async function readBackendMessage(stream: Duplex): Promise<BackendMessage> {
  const head = await readExactly(stream, 5)
  return {
    type: String.fromCharCode(head[0]!),
    body: await readExactly(stream, head.readUInt32BE(1) - 4),
  }
}

/** Frames a message that has a type letter; the length counts itself, the letter it does not. */
export function encodeMessage(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Encodes a startup message of protocol 3.0. */
export function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  return encodeParameters(0x30000, Object.entries(parameters))
}

/** Has a startup message ask for a session whose transactions only read, unless they say otherwise. */
export function asReadOnly({ raw, parameters }: Extract<OpeningMessage, { kind: 'startup' }>): Buffer {
  const given = parameters.get('options')
  const options = `${given ? `${given} ` : ''}-c default_transaction_read_only=on`
  return encodeParameters(raw.readUInt32BE(4), [...new Map([...parameters, ['options', options]])])
}

function encodeParameters(version: number, parameters: readonly [string, string][]): Buffer {
  const words = parameters.flat()
  const body = Buffer.from(words.map((word) => `${word}\0`).join('') + '\0')
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8, 0)
  head.writeUInt32BE(version, 4)
  return Buffer.concat([head, body])
}

/** Encodes an ErrorResponse of severity FATAL, after which a server closes the connection. */
export function encodeFatal({ code, message, detail, hint }: PostgresErrorFields): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, `M${message}`]
  if (detail) fields.push(`D${detail}`)
  if (hint) fields.push(`H${hint}`)
  return encodeMessage('E', Buffer.from(fields.map((field) => `${field}\0`).join('') + '\0'))
}

/** What an AuthenticationOk looks like. */
export const AUTHENTICATION_OK: Buffer = encodeMessage('R', Buffer.alloc(4))

/** An ErrorResponse of PostgreSQL's. */
export class PostgresError extends Error {
  override name = 'PostgresError'
  /** SQLSTATE, such as `28P01`. */
  readonly code: string
  /** Where in the statements the mistake is: a count of characters, from 1. */
  readonly position: number | undefined
  readonly detail: string | undefined
  readonly hint: string | undefined

  constructor(body: Buffer) {
    const fields = new Map(
      body
        .toString('utf8')
        .split('\0')
        .filter(Boolean)
        .map((field) => [field[0], field.slice(1)]),
    )
    super(fields.get('M'))
    this.code = fields.get('C') ?? ''
    this.position = fields.has('P') ? Number(fields.get('P')) : undefined
    this.detail = fields.get('D')
    this.hint = fields.get('H')
  }
}
