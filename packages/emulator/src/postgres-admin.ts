import { connect, type Socket } from 'node:net'
import { authenticate } from './postgres-authentication.ts'
import type { PostgresLogin, PostgresTarget } from './postgres-target.ts'
import { encodeMessage, encodeStartup, PostgresError, readBackendMessage } from './postgres-wire.ts'

const LOGIN_LIMIT_MS = 10_000
const COPY_FAIL = encodeMessage('f', Buffer.from('no data come with the statement\0'))

/**
 * The emulator's own connection to PostgreSQL: made at the first query, made again when it was lost, one query at a
 * time.
 */
export class PostgresAdmin {
  readonly #target: PostgresTarget
  readonly #login: PostgresLogin
  #socket: Socket | undefined
  #isClosed = false
  #last: Promise<unknown> = Promise.resolve()

  /** `login` is the target's administrator, unless it is given. */
  constructor(target: PostgresTarget, login: PostgresLogin = target.admin) {
    this.#target = target
    this.#login = login
  }

  /** Runs the statements, all or none, and returns the rows of all of them, each value as text. */
  query(sql: string): Promise<(string | null)[][]> {
    const result = this.#last.then(() => this.#query(sql))
    this.#last = result.catch(() => {})
    return result
  }

  /** Ends the connection; queries that wait for it fail. */
  close(): void {
    this.#isClosed = true
    this.#socket?.destroy()
  }

  async #query(sql: string): Promise<(string | null)[][]> {
    if (!this.#socket || this.#socket.destroyed || this.#socket.readableEnded) {
      this.#requireOpen()
      this.#socket = await logIn(this.#target, this.#login)
      if (this.#isClosed) this.#socket.destroy()
    }
    this.#requireOpen()
    this.#socket.write(encodeMessage('Q', Buffer.from(`${sql}\0`)))
    const rows: (string | null)[][] = []
    let failure: Error | undefined
    for (;;) {
      const { type, body } = await readBackendMessage(this.#socket)
      if (type === 'D') rows.push(decodeRow(body))
      // It waits for data, and there are none.
      else if (type === 'G') this.#socket.write(COPY_FAIL)
      else if (type === 'E') failure = new PostgresError(body)
      else if (type === 'Z') break
    }
    if (failure) throw failure
    return rows
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new Error("The emulator's connection to PostgreSQL is closed.")
  }
}

async function logIn({ connection }: PostgresTarget, login: PostgresLogin): Promise<Socket> {
  const { user, database } = login
  const socket = connect(connection)
  // Every read reports an error of its own; between reads nobody needs to know.
  socket.on('error', () => {})
  const giveUp = (): void =>
    void socket.destroy(new Error(`PostgreSQL has not answered within ${LOGIN_LIMIT_MS / 1000} s`))
  const timer = setTimeout(giveUp, LOGIN_LIMIT_MS)
  socket.write(encodeStartup({ user, database, application_name: 'alloydb-emulator' }))
  try {
    await authenticate(socket, login)
    for (;;) {
      const { type, body } = await readBackendMessage(socket)
      if (type === 'Z') return socket
      if (type === 'E') throw new PostgresError(body)
    }
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
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
