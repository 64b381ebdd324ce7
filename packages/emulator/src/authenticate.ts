import {
  CLOUD_PLATFORM_SCOPE,
  hasScope,
  isExpired,
  type AccessToken,
  type AccessTokens,
} from './access-tokens.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import { GoogleError } from './google-error.ts'
import type { RoutedRequest } from './http-router.ts'
import type { Iam } from './iam.ts'
import { readSelfSignedToken } from './self-signed-token.ts'

interface Services {
  iam: Iam
  credentials: Credentials
  clock: Clock
  tokens: AccessTokens
  /** The API's host name, which errors name. */
  service: string
  /** The API's own scopes, of which a token needs one if it has not that of all of them. */
  scopes?: readonly string[]
}

/**
 * Finds out who calls a Google API, by the bearer token, and notes it in the request's record.
 *
 * @throws {GoogleError} UNAUTHENTICATED, or PERMISSION_DENIED where the token's scopes don't suffice.
 */
export async function authenticate(
  { headers, record }: RoutedRequest,
  { iam, credentials, clock, tokens, service, scopes = [] }: Services,
): Promise<AccessToken> {
  const value = /^bearer\s+(\S+)$/i.exec(headers['authorization'] ?? '')?.[1]
  if (!value) {
    throw unauthenticated(
      service,
      'CREDENTIALS_MISSING',
      'Request is missing required authentication credential. ',
    )
  }
  const token = tokens.find(value) ?? (await readSelfSignedToken(value, { credentials, clock, service }))
  if (!token || !iam.has(token.principal)) {
    throw unauthenticated(
      service,
      'ACCESS_TOKEN_TYPE_UNSUPPORTED',
      'Request had invalid authentication credentials. ',
    )
  }
  Object.assign(record, { principal: token.principal, scopes: token.scopes })
  if (isExpired(token)) {
    throw unauthenticated(service, 'ACCESS_TOKEN_EXPIRED', 'Request had invalid authentication credentials. ')
  }
  if (!hasScope(token, CLOUD_PLATFORM_SCOPE, ...scopes)) {
    throw new GoogleError('PERMISSION_DENIED', 'Request had insufficient authentication scopes.', {
      reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
      domain: 'googleapis.com',
      metadata: { service },
    })
  }
  return token
}

function unauthenticated(service: string, reason: string, message: string): GoogleError {
  return new GoogleError(
    'UNAUTHENTICATED',
    `${message}Expected OAuth 2 access token, login cookie or other valid authentication credential. ` +
      'See https://developers.google.com/identity/sign-in/web/devconsole-project.',
    { reason, domain: 'googleapis.com', metadata: { service } },
  )
}
