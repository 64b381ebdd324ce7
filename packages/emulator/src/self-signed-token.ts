import { CLOUD_PLATFORM_SCOPE, type AccessToken } from './access-tokens.ts'
import { verifyAssertion } from './assertion.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'

/**
 * Reads a token that a service account has signed itself, without the token endpoint: what Google's client libraries
 * for Python and Java send to an API when they have an account's key. Returns nothing for any other token.
 *
 * @see https://google.aip.dev/auth/4111
 */
export async function readSelfSignedToken(
  value: string,
  { service, ...services }: { credentials: Credentials; clock: Clock; service: string },
): Promise<AccessToken | undefined> {
  try {
    const { issuer, claims } = await verifyAssertion(value, services)
    const { sub, aud, scope, exp } = claims
    if (sub !== issuer || (aud !== undefined && aud !== `https://${service}/`)) return undefined
    // One that is made out to the service needs no scopes.
    const scopes = typeof scope === 'string' ? scope.split(' ') : aud ? [CLOUD_PLATFORM_SCOPE] : []
    return { value, principal: issuer, scopes, expiresAt: Number(exp) * 1000, clock: services.clock }
  } catch {
    return undefined
  }
}
