import type { OAuth2Client } from 'google-auth-library'
import { AlloyDBError } from './alloydb-error.ts'
import type { Impersonation } from './credentials-options.ts'
import { universeDomainOf, type GoogleClient } from './google-client.ts'
import { describeHttpFailure } from './http-failure.ts'
import { property } from './property.ts'
import { readToken } from './read-token.ts'
import { singleFlight } from './single-flight.ts'

/**
 * Opens a client whose tokens are a service account's, which `source` may act as. (The library's own `Impersonated`
 * prints a warning for each one that is made.)
 *
 * @param options the origin of the IAM Service Account Credentials API, and the project whose quota the tokens use; neither is
 *   taken from `source`
 * @see https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
 */
export async function openImpersonatedClient(
  source: GoogleClient,
  { targetPrincipal, delegates = [] }: Impersonation,
  scope: string,
  options: { endpoint?: string | undefined; quotaProjectId?: string | undefined } = {},
): Promise<OAuth2Client> {
  const { OAuth2Client } = await import('google-auth-library')
  const { transporter } = source
  const universeDomain = universeDomainOf(source)
  const { endpoint = `https://iamcredentials.${universeDomain}`, quotaProjectId } = options
  const client = new OAuth2Client({
    transporter,
    useAuthRequestParameters: false, // the transporter has them already
    universeDomain,
    ...(quotaProjectId !== undefined && { quotaProjectId }),
  })
  const account = (email: string): string => `projects/-/serviceAccounts/${email}`
  client.refreshHandler = singleFlight(async () => {
    const headers = await source.getRequestHeaders()
    const request = {
      url: `${endpoint}/v1/${account(encodeURIComponent(targetPrincipal))}:generateAccessToken`,
      method: 'POST',
      data: { scope: [scope], delegates: delegates.map(account), lifetime: '3600s' },
    } as const
    const { data } = await transporter
      .request<unknown>({ ...request, headers, responseType: 'json' })
      .catch((error: unknown) => {
        throw impersonationError(error, targetPrincipal)
      })
    return readToken(property(data, 'accessToken'), Date.parse(String(property(data, 'expireTime'))))
  })
  return client
}

/** Whoever may not act as an account is told that it may not exist, too. */
function impersonationError(error: unknown, targetPrincipal: string): unknown {
  const { status, cause } = describeHttpFailure(error)
  if (status !== 403 && status !== 404) return error
  return new AlloyDBError(
    'ALLOYDB_CREDENTIALS_REJECTED',
    `The credentials may not act as "${targetPrincipal}": ${cause.message}`,
    {
      hint: 'Grant roles/iam.serviceAccountTokenCreator on it to the principal of the credentials, or to the last of the delegates, each of which needs it on the next.',
      cause,
    },
  )
}
