import type { AuthClient } from 'google-auth-library'
import type { Auth } from './credentials.ts'

/**
 * Finds the e-mail of the IAM principal that a client's tokens belong to: from the client where it knows, else from
 * Google's token info. `undefined` where neither tells, as for a workload identity without a service account.
 */
export async function findPrincipal(client: AuthClient, auth: Auth | undefined): Promise<string | undefined> {
  const { BaseExternalAccountClient, Compute, GoogleAuth, Impersonated, JWT, OAuth2Client } =
    await import('google-auth-library')
  if (client instanceof Impersonated) return client.getTargetPrincipal()
  if (client instanceof JWT) return client.subject ?? client.email
  if (client instanceof BaseExternalAccountClient) return client.getServiceAccountEmail() ?? undefined
  if (client instanceof Compute) {
    const google = auth !== undefined && 'getCredentials' in auth ? auth : new GoogleAuth({ projectId: '-' })
    return (await google.getCredentials()).client_email
  }
  if (client instanceof OAuth2Client) {
    const { token } = await client.getAccessToken()
    return typeof token === 'string' ? (await client.getTokenInfo(token)).email : undefined
  }
  return undefined
}
