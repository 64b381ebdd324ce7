import type { TLSSocket } from 'node:tls'

/** A row, by the names of its columns. All values are texts: this driver converts nothing. */
export type Row = Record<string, string | null>

interface Message {
  readonly type: string
  readonly body: Buffer
}

/**
 * A PostgreSQL driver in its smallest form: logs in without a password, and runs one query after the other by the
 * protocol's simple query.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class PostgresSession {
  readonly #socket: TLSSocket
  readonly #messages: AsyncGenerator<Message, undefined>

  constructor(socket: TLSSocket) {
    this.#socket = socket
    this.#messages = readMessages(socket)
  }

  async logIn(user: string, database: string): Promise<void> {
    const version = Buffer.from([0, 3, 0, 0])
    const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
    this.#send('', Buffer.concat([version, parameters]))
    await this.#untilReady()
  }

  async query(sql: string): Promise<Row[]> {
    this.#send('Q', Buffer.from(`${sql}\0`))
    const messages = await this.#untilReady()
    const columns = messages.filter(({ type }) => type === 'T').flatMap(({ body }) => readColumnNames(body))
    return messages.filter(({ type }) => type === 'D').map(({ body }) => readRow(columns, body))
  }

  end(): void {
    this.#send('X', Buffer.alloc(0))
    this.#socket.end()
  }

  /** A message: its type, except for the first one of all, then its length, which counts itself, then its body. */
  #send(type: string, body: Buffer): void {
    const length = Buffer.alloc(4)
    length.writeInt32BE(4 + body.length)
    this.#socket.write(Buffer.concat([Buffer.from(type), length, body]))
  }

  async #untilReady(): Promise<Message[]> {
    const messages: Message[] = []
    for (;;) {
      const { value: message } = await this.#messages.next()
      if (message === undefined) throw new Error('The server ended the session.')
      if (message.type === 'E') throw new Error(readError(message.body))
      if (message.type === 'R' && message.body.readInt32BE() !== 0)
        throw new Error('A password is asked for.')
      if (message.type === 'Z') return messages
      messages.push(message)
    }
  }
}

async function* readMessages(socket: TLSSocket): AsyncGenerator<Message, undefined> {
  let received = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk])
    while (received.length >= 5 && received.length > received.readInt32BE(1)) {
      const end = 1 + received.readInt32BE(1)
      yield { type: received.toString('latin1', 0, 1), body: received.subarray(5, end) }
      received = received.subarray(end)
    }
  }
}

function readColumnNames(body: Buffer): string[] {
  let at = 2
  return Array.from({ length: body.readInt16BE() }, () => {
    const end = body.indexOf(0, at)
    const name = body.toString('utf8', at, end)
    at = end + 19 // what follows the name: the column's table, type and format
    return name
  })
}

function readRow(columns: readonly string[], body: Buffer): Row {
  let at = 2
  return Object.fromEntries(
    columns.map((name) => {
      const length = body.readInt32BE(at)
      const value = length < 0 ? null : body.toString('utf8', at + 4, at + 4 + length)
      at += 4 + Math.max(length, 0)
      return [name, value]
    }),
  )
}

function readError(body: Buffer): string {
  const fields = body.toString('utf8').split('\0')
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'PostgreSQL says no more.'
}
