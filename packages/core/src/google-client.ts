import type {
  AuthClient,
  BaseExternalAccountClient,
  Compute,
  Impersonated,
  JWT,
  OAuth2Client,
} from 'google-auth-library'
import type { Auth } from './credentials-options.ts'
import { defaultUniverseDomain } from './endpoint.ts'

/**
 * A client of google-auth-library, of any version and any copy of it, or one of the user's own making. What it has shows
 * what it is; `instanceof` would know the classes of one copy alone.
 */
export type GoogleClient = Pick<AuthClient, 'getRequestHeaders' | 'transporter'> &
  Partial<
    Pick<AuthClient, 'quotaProjectId' | 'universeDomain'> &
      Pick<BaseExternalAccountClient, 'getServiceAccountEmail'> &
      Pick<Compute, 'serviceAccountEmail'> &
      Pick<Impersonated, 'getTargetPrincipal'> &
      Pick<JWT, 'createScoped' | 'email' | 'subject'> &
      Pick<OAuth2Client, 'getAccessToken' | 'getTokenInfo'>
  >

/** The client that was given, or that of the `GoogleAuth` that was. */
export async function clientOf(auth: Auth): Promise<GoogleClient> {
  return ('getClient' in auth ? await auth.getClient() : auth) as GoogleClient
}

/** The universe domain of a client; one of the user's own making need not tell. */
export function universeDomainOf(client: GoogleClient): string {
  return client.universeDomain ?? defaultUniverseDomain
}
