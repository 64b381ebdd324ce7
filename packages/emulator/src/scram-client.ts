import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)
const KEY_BYTES = 32
// "n,,": no channel binding, which needs TLS.
const CHANNEL_BINDING = 'c=biws'

/** The client's side of SCRAM-SHA-256, as PostgreSQL uses it: without a user name of its own. See RFC 5802 and 7677. */
export class ScramClient {
  readonly #password: string
  readonly #nonce = randomBytes(18).toString('base64')
  #serverSignature: Buffer | undefined

  constructor(password: string) {
    this.#password = password
  }

  first(): string {
    return `n,,${this.#firstBare()}`
  }

  /** Answers the server's challenge with the proof. */
  async final(challenge: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: iterations = '' } = parseAttributes(challenge)
    if (!nonce.startsWith(this.#nonce))
      throw new Error("PostgreSQL's SCRAM nonce does not begin with the client's.")
    const password = this.#password.normalize('NFKC')
    const salted = await derive(
      password,
      Buffer.from(salt, 'base64'),
      Number(iterations),
      KEY_BYTES,
      'sha256',
    )
    const withoutProof = `${CHANNEL_BINDING},r=${nonce}`
    const message = `${this.#firstBare()},${challenge},${withoutProof}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message)
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!)
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }

  /** Throws where the server has not proved that it knows the password, too. */
  verify(final: string): void {
    const signature = Buffer.from(parseAttributes(final)['v'] ?? '', 'base64')
    const expected = this.#serverSignature
    if (signature.length === expected?.length && timingSafeEqual(signature, expected)) return
    throw new Error("PostgreSQL's SCRAM signature is wrong.")
  }

  #firstBare(): string {
    return `n=,r=${this.#nonce}`
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function parseAttributes(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map((attribute) => [attribute[0]!, attribute.slice(2)]))
}
