import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { encodeMessage, PostgresError, readBackendMessage } from './postgres-wire.ts'
import { ScramClient } from './scram-client.ts'

const OK = 0
const CLEARTEXT_PASSWORD = 3
const MD5_PASSWORD = 5
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12

/** Answers whatever PostgreSQL asks for after a startup message, up to and including its AuthenticationOk. */
export async function authenticate(
  stream: Duplex,
  { user, password }: { user: string; password: string },
): Promise<void> {
  const scram = new ScramClient(password)
  const answer = (text: string | Buffer): void => void stream.write(encodeMessage('p', Buffer.from(text)))
  for (;;) {
    const { type, body } = await readBackendMessage(stream)
    if (type === 'E') throw new PostgresError(body)
    if (type !== 'R') continue
    const method = body.readUInt32BE(0)
    const data = body.subarray(4)
    switch (method) {
      case OK:
        return
      case CLEARTEXT_PASSWORD:
        answer(`${password}\0`)
        break
      case MD5_PASSWORD:
        answer(`md5${md5(md5(password + user), data)}\0`)
        break
      case SASL: {
        const first = Buffer.from(scram.first())
        const head = Buffer.from('SCRAM-SHA-256\0....')
        head.writeUInt32BE(first.length, head.length - 4)
        answer(Buffer.concat([head, first]))
        break
      }
      case SASL_CONTINUE:
        answer(await scram.final(data.toString()))
        break
      case SASL_FINAL:
        scram.verify(data.toString())
        break
      default:
        throw new Error(
          `PostgreSQL asked for authentication method ${method}, which the emulator does not have.`,
        )
    }
  }
}

function md5(text: string, salt: Buffer = Buffer.alloc(0)): string {
  return createHash('md5').update(text).update(salt).digest('hex')
}
