import type { AuthClient } from 'google-auth-library'
import type { Auth } from './credentials-options.ts'
import { clientOf } from './google-client.ts'

/**
 * Finds the e-mail of the IAM principal whose tokens the credentials give: from the client where it knows, else from
 * Google's token info. `undefined` where neither tells, as for a workload identity without a service account.
 *
 * @param auth what was given, or the client that Application Default Credentials are
 */
export async function findPrincipal(auth: Auth): Promise<string | undefined> {
  const client = await clientOf(auth)
  if (client.getTargetPrincipal) return client.getTargetPrincipal()
  if (client.createScoped) return client.subject ?? client.email // a key
  if (client.getServiceAccountEmail) return client.getServiceAccountEmail() ?? undefined
  if (client.serviceAccountEmail !== undefined) {
    // The metadata server's, which may be called just "default".
    const { GoogleAuth } = await import('google-auth-library')
    const google = new GoogleAuth({ authClient: client as AuthClient, projectId: '-' })
    return (await google.getCredentials()).client_email
  }
  if (client.getAccessToken && client.getTokenInfo) {
    const { token } = await client.getAccessToken()
    return typeof token === 'string' ? (await client.getTokenInfo(token)).email : undefined
  }
  return undefined
}
