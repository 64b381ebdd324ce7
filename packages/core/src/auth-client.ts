import type { AuthClient } from 'google-auth-library'
import { AlloyDBError } from './alloydb-error.ts'
import type { Auth, CredentialsOptions } from './credentials-options.ts'
import { openImpersonatedClient } from './impersonated-client.ts'
import { adminScope } from './scopes.ts'

/**
 * Opens a client whose tokens have just the given scope.
 *
 * A client that was given is never changed. Where its scopes can be chosen it is copied; the others (a user's refresh
 * token, a client of one's own making) are used as they are.
 */
export async function openAuthClient(
  auth: Auth | undefined,
  scope: string,
  { impersonate, universeDomain }: Pick<CredentialsOptions, 'impersonate' | 'universeDomain'>,
): Promise<AuthClient> {
  // To act as another service account takes a token of one's own with the broad scope.
  const ownScope = impersonate === undefined ? scope : adminScope
  const client = await openOwnClient(auth, ownScope, universeDomain)
  if (universeDomain !== undefined && client.universeDomain !== universeDomain) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `The credentials are of the universe domain "${client.universeDomain}", not of "${universeDomain}".`,
      { hint: 'Set universeDomain to that of the credentials, or leave it out.' },
    )
  }
  if (impersonate === undefined) return client

  return openImpersonatedClient(client, impersonate, scope)
}

/** The client that was given, or that of the `GoogleAuth` that was. It may be of another version of the library. */
export async function clientOf(auth: Auth): Promise<AuthClient> {
  return ('getClient' in auth ? await auth.getClient() : auth) as AuthClient
}

async function openOwnClient(
  auth: Auth | undefined,
  scope: string,
  universeDomain: string | undefined,
): Promise<AuthClient> {
  if (auth === undefined) return openDefault(scope, universeDomain)

  const client: AuthClient & { createScoped?(scopes: string[]): AuthClient } = await clientOf(auth)
  if (client.createScoped !== undefined) return client.createScoped([scope])
  const { BaseExternalAccountClient, Compute, Impersonated } = await import('google-auth-library')
  const shared = {
    transporter: client.transporter,
    useAuthRequestParameters: false, // the transporter has them already
    universeDomain: client.universeDomain,
  }
  if (client instanceof Compute) {
    return new Compute({ serviceAccountEmail: client.serviceAccountEmail, scopes: [scope], ...shared })
  }
  if (client instanceof BaseExternalAccountClient && 'jsonContent' in auth && auth.jsonContent !== null) {
    // By the client's own class: the library's factory prints a warning for each one that is made.
    const Client = client.constructor as new (options: object) => AuthClient
    return new Client({ ...auth.jsonContent, ...shared, scopes: [scope] })
  }
  if (client instanceof Impersonated) {
    // The library shows of these the target principal alone.
    const sourceClient = Reflect.get(client, 'sourceClient') as AuthClient | undefined
    const delegates = Reflect.get(client, 'delegates') as string[] | undefined
    const endpoint = Reflect.get(client, 'endpoint') as string | undefined
    const impersonation = { targetPrincipal: client.getTargetPrincipal(), delegates }
    return sourceClient ? openImpersonatedClient(sourceClient, impersonation, scope, endpoint) : client
  }
  return client
}

/** Application Default Credentials. */
async function openDefault(scope: string, universeDomain: string | undefined): Promise<AuthClient> {
  const { GoogleAuth } = await import('google-auth-library')
  return new GoogleAuth({
    ...(universeDomain === undefined ? {} : { universeDomain }),
    scopes: [scope],
    // Never used, but without it the library looks for the project's ID: it runs gcloud and asks the metadata server.
    projectId: '-',
  }).getClient()
}
