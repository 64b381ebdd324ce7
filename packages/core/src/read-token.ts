import { AlloyDBError } from './alloydb-error.ts'

/** Takes an access token, and its expiry in milliseconds since the epoch, from an answer that may be anything. */
export function readToken(token: unknown, expiresAt: number): { access_token: string; expiry_date: number } {
  if (typeof token === 'string' && token !== '' && !Number.isNaN(expiresAt)) {
    return { access_token: token, expiry_date: expiresAt }
  }
  throw new AlloyDBError(
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    'No access token could be fetched: the answer has none.',
    { hint: 'Check that what answers is the token endpoint, with nothing in between.' },
  )
}
