import type { AccessToken } from './access-tokens.ts'
import type { UserKind } from './cluster.ts'
import { databaseUserOf, type Iam } from './iam.ts'
import type { Instance } from './instance.ts'
import type { LoginToken } from './login-token.ts'
import type { ExchangeRequest } from './metadata-exchange.ts'
import { SUPERUSER } from './postgres-target.ts'
import type { PostgresErrorFields } from './postgres-wire.ts'

interface Login {
  authType: ExchangeRequest['authType']
  /** The token of the metadata exchange; none where there was no exchange. */
  token: AccessToken | undefined
  /** The user that the startup message names. */
  user: string
  kind: UserKind
  /** Asks the client for a password, and reads it as a token. */
  askForToken: () => Promise<LoginToken>
}

/** Decides whether PostgreSQL may see the login. Returns the error to answer with if it may not. */
export async function refuseLogin(
  { authType, token: exchanged, user, kind, askForToken }: Login,
  instance: Instance,
  iam: Iam,
): Promise<PostgresErrorFields | undefined> {
  if (authType !== 'AUTO_IAM') {
    if (user === SUPERUSER) {
      return { code: '28P01', message: `password authentication failed for user "${user}"` }
    }
    if (kind !== 'iam') return undefined
  }

  const refuse = (detail: string, hint?: string): PostgresErrorFields => ({
    code: '28000',
    message: `AlloyDB IAM user authentication failed for user "${user}"`,
    detail,
    hint,
  })
  if (!instance.iamAuthentication) {
    return refuse(
      'IAM authentication is not enabled on this instance.',
      'Set the instance flag "alloydb.iam_authentication" to "on".',
    )
  }
  // PostgreSQL asks an IAM user for nothing, since it trusts us to have verified a token.
  const { token, refusal }: LoginToken = authType === 'AUTO_IAM' ? { token: exchanged } : await askForToken()
  if (!token || refusal !== undefined) {
    return refuse(`${refusal}`, 'The password of an IAM user is an access token, as long as it is valid.')
  }
  const { principal } = token
  const expected = databaseUserOf(principal)
  if (user !== expected) {
    return refuse(
      `The access token is for "${principal}", whose database user is "${expected}".`,
      `Log in as "${expected}".`,
    )
  }
  if (!iam.allows(principal, 'alloydb.users.login')) {
    return refuse(
      `"${principal}" does not have the permission "alloydb.users.login".`,
      'Grant it the role "roles/alloydb.databaseUser".',
    )
  }
  if (kind === 'iam') return undefined
  return refuse(
    kind === 'none' ? 'There is no such database user.' : 'The database user is not an IAM user.',
    `Create it: gcloud alloydb users create "${user}" --type=IAM_BASED.`,
  )
}
