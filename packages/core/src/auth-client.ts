import { AlloyDBError } from './alloydb-error.ts'
import type { Auth, CredentialsOptions } from './credentials-options.ts'
import { clientOf, universeDomainOf, type GoogleClient } from './google-client.ts'
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
): Promise<GoogleClient> {
  // To act as another service account takes a token of one's own with the broad scope.
  const ownScope = impersonate === undefined ? scope : adminScope
  const client = await openOwnClient(auth, ownScope, universeDomain)
  if (universeDomain !== undefined && universeDomainOf(client) !== universeDomain) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `The credentials are of the universe domain "${universeDomainOf(client)}", not of "${universeDomain}".`,
      { hint: 'Set universeDomain to that of the credentials, or leave it out.' },
    )
  }
  if (impersonate === undefined) return client

  return openImpersonatedClient(client, impersonate, scope)
}

async function openOwnClient(
  auth: Auth | undefined,
  scope: string,
  universeDomain: string | undefined,
): Promise<GoogleClient> {
  if (auth === undefined) return openDefault(scope, universeDomain)

  const client = await clientOf(auth)
  if (client.createScoped) return client.createScoped([scope])
  const { transporter, quotaProjectId, serviceAccountEmail } = client
  const shared = {
    transporter,
    useAuthRequestParameters: false, // the transporter has them already
    universeDomain: client.universeDomain,
    quotaProjectId,
    scopes: [scope],
  }
  // By the client's own class, which is of the version of its transporter.
  const Client = client.constructor as new (options: object) => GoogleClient
  if (serviceAccountEmail !== undefined) return new Client({ serviceAccountEmail, ...shared })
  if (client.getServiceAccountEmail && 'jsonContent' in auth && auth.jsonContent !== null) {
    return new Client({ ...auth.jsonContent, ...shared })
  }
  if (client.getTargetPrincipal) {
    // The library shows of these the target principal alone.
    const sourceClient = Reflect.get(client, 'sourceClient') as GoogleClient | undefined
    const delegates = Reflect.get(client, 'delegates') as string[] | undefined
    const endpoint = Reflect.get(client, 'endpoint') as string | undefined
    const impersonation = { targetPrincipal: client.getTargetPrincipal(), delegates }
    if (sourceClient === undefined) return client
    return openImpersonatedClient(sourceClient, impersonation, scope, { endpoint, quotaProjectId })
  }
  return client
}

/** Application Default Credentials. */
async function openDefault(scope: string, universeDomain: string | undefined): Promise<GoogleClient> {
  const { GoogleAuth } = await import('google-auth-library')
  return new GoogleAuth({
    ...(universeDomain === undefined ? {} : { universeDomain }),
    scopes: [scope],
    // Never used, but without it the library looks for the project's ID: it runs gcloud and asks the metadata server.
    projectId: '-',
  }).getClient()
}
