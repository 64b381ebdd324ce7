import { connect, type Socket } from 'node:net'
import type { PostgresAddress } from './postgres-address.ts'
import { describeError, encodeMessage, encodeStartup, readBackendMessage } from './postgres-wire.ts'

export const SUPERUSER = 'alloydbadmin'

const AUTHENTICATION_OK = 0
const AUTHENTICATION_CLEARTEXT_PASSWORD = 3

/**
 * The emulator's own connection to PostgreSQL, as the superuser: made at the first query, made again when it was
 * lost, one query at a time.
 */
export class PostgresAdmin {
  readonly #address: PostgresAddress
  #socket: Socket | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(address: PostgresAddress) {
    this.#address = address
  }

  /** Runs the statements and returns the rows of all of them, each value as text. */
  query(sql: string): Promise<(string | null)[][]> {
    const result = this.#last.then(() => this.#query(sql))
    this.#last = result.catch(() => {})
    return result
  }

  close(): void {
    this.#socket?.destroy()
  }

  async #query(sql: string): Promise<(string | null)[][]> {
    if (!this.#socket || this.#socket.destroyed || this.#socket.readableEnded) {
      this.#socket = await logIn(this.#address)
    }
    this.#socket.write(encodeMessage('Q', Buffer.from(`${sql}\0`)))
    const rows: (string | null)[][] = []
    let failure: Error | undefined
    for (;;) {
      const { type, body } = await readBackendMessage(this.#socket)
      if (type === 'D') rows.push(decodeRow(body))
      else if (type === 'E') failure = new Error(`PostgreSQL: ${describeError(body)}`)
      else if (type === 'Z') break
    }
    if (failure) throw failure
    return rows
  }
}

async function logIn({ socketPath, adminPassword }: PostgresAddress): Promise<Socket> {
  const socket = connect(socketPath)
  // Every read reports an error of its own; between reads nobody needs to know.
  socket.on('error', () => {})
  socket.write(encodeStartup({ user: SUPERUSER, database: 'postgres', application_name: 'alloydb-emulator' }))
  try {
    for (;;) {
      const { type, body } = await readBackendMessage(socket)
      if (type === 'Z') return socket
      if (type === 'E') throw new Error(`PostgreSQL: ${describeError(body)}`)
      if (type !== 'R') continue
      const method = body.readUInt32BE(0)
      if (method === AUTHENTICATION_CLEARTEXT_PASSWORD) {
        socket.write(encodeMessage('p', Buffer.from(`${adminPassword}\0`)))
      } else if (method !== AUTHENTICATION_OK) {
        throw new Error(`PostgreSQL asked for authentication method ${method}.`)
      }
    }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function decodeRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  let offset = 2
  for (let column = 0; column < body.readUInt16BE(0); column++) {
    const length = body.readInt32BE(offset)
    offset += 4
    values.push(length < 0 ? null : body.toString('utf8', offset, offset + length))
    offset += Math.max(length, 0)
  }
  return values
}

/** Writes a text as an SQL literal. */
export function quoteLiteral(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** Writes a name as a quoted SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
