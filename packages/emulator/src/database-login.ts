import type { AccessToken } from './access-tokens.ts'
import type { ExchangeRequest } from './metadata-exchange.ts'
import { databaseUserOf, type Iam } from './iam.ts'
import type { Instance } from './instance.ts'
import { SUPERUSER } from './postgres-target.ts'
import type { PostgresErrorFields } from './postgres-wire.ts'

interface Login {
  authType: ExchangeRequest['authType']
  token: AccessToken
  /** The user that the startup message names. */
  user: string
}

/** Decides whether PostgreSQL may see the login. Returns the error to answer with if it may not. */
export async function refuseLogin(
  { authType, token, user }: Login,
  instance: Instance,
  iam: Iam,
): Promise<PostgresErrorFields | undefined> {
  const kind = user === SUPERUSER ? 'none' : await instance.owner.kindOfUser(user)
  if (authType !== 'AUTO_IAM') {
    // PostgreSQL asks an IAM user for nothing, since it trusts us to have verified a token. It is not asked here.
    if (kind === 'iam' || user === SUPERUSER) {
      return { code: '28P01', message: `password authentication failed for user "${user}"` }
    }
    return undefined
  }

  const refuse = (detail: string, hint: string): PostgresErrorFields => ({
    code: '28000',
    message: `AlloyDB IAM user authentication failed for user "${user}"`,
    detail,
    hint,
  })
  const { principal } = token
  const expected = databaseUserOf(principal)
  if (!instance.iamAuthentication) {
    return refuse(
      'IAM authentication is not enabled on this instance.',
      'Set the instance flag "alloydb.iam_authentication" to "on".',
    )
  }
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
