import { verify } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import { parseJsonObject } from './parse-json-object.ts'

const MAX_ASSERTION_SECONDS = 3600
// Google allows for clocks that differ by so much.
const CLOCK_SKEW_SECONDS = 300

/** What a service account has signed. */
export interface Assertion {
  /** The service account's e-mail address. */
  issuer: string
  claims: Readonly<Record<string, unknown>>
}

/**
 * Verifies a JWT that a service account has signed, and that it is fresh, as RFC 7523 and Google want it.
 *
 * @throws {Error} with Google's words for what is wrong.
 */
export async function verifyAssertion(
  jwt: string,
  { credentials, clock }: { credentials: Credentials; clock: Clock },
): Promise<Assertion> {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const { alg } = decode(header)
  const claims = decode(payload)
  const { iss, iat, exp } = claims
  if (alg !== 'RS256') throw new Error('Invalid JWT: Failed audience or algorithm check.')
  const publicKey = typeof iss === 'string' ? await credentials.publicKey(iss) : undefined
  if (typeof iss !== 'string' || !publicKey) throw new Error('Invalid grant: account not found')
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) {
    throw new Error('Invalid JWT Signature.')
  }
  const now = clock.now() / 1000
  if (
    typeof iat !== 'number' ||
    typeof exp !== 'number' ||
    exp < now ||
    iat > now + CLOCK_SKEW_SECONDS ||
    exp - iat > MAX_ASSERTION_SECONDS
  ) {
    throw new Error(
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
        'Check your iat and exp values in the JWT claim.',
    )
  }
  return { issuer: iss, claims }
}

function decode(part: string): Record<string, unknown> {
  try {
    return parseJsonObject(Buffer.from(part, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new Error(`Invalid JWT: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}
