import { clientOf } from './auth-client.ts'
import type { Auth } from './credentials-options.ts'

/**
 * Finds the e-mail of the IAM principal whose tokens the credentials give: from the client where it knows, else from
 * Google's token info. `undefined` where neither tells, as for a workload identity without a service account.
 *
 * @param auth what was given, or the client that Application Default Credentials are
 */
export async function findPrincipal(auth: Auth): Promise<string | undefined> {
  const client = await clientOf(auth)
  const { BaseExternalAccountClient, Compute, GoogleAuth, Impersonated, JWT, OAuth2Client } =
    await import('google-auth-library')
  if (client instanceof Impersonated) return client.getTargetPrincipal()
  if (client instanceof JWT) return client.subject ?? client.email
  if (client instanceof BaseExternalAccountClient) return client.getServiceAccountEmail() ?? undefined
  if (client instanceof Compute) {
    const google = new GoogleAuth({ authClient: client, projectId: '-' })
    return (await google.getCredentials()).client_email
  }
  if (client instanceof OAuth2Client) {
    const { token } = await client.getAccessToken()
    return typeof token === 'string' ? (await client.getTokenInfo(token)).email : undefined
  }
  return undefined
}
