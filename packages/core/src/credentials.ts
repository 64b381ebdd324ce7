import type { AuthClient, GoogleAuth } from 'google-auth-library'
import { AlloyDBError } from './alloydb-error.ts'
import { credentialsError } from './credentials-error.ts'
import { openAuthClient } from './auth-client.ts'
import { findEmulatorPrincipal, openEmulatorAuth } from './emulator-auth.ts'
import { toIamUser } from './iam-user.ts'
import { findPrincipal } from './principal.ts'

/** Where the credentials come from: a `GoogleAuth`, or one of google-auth-library's clients. */
export type Auth = GoogleAuth | AuthClient

/** A service account to act as. */
export interface Impersonation {
  /** The e-mail of the service account. The credentials need the role Service Account Token Creator on it. */
  targetPrincipal: string
  /** The service accounts in between, where the credentials may act as the target only through others. */
  delegates?: readonly string[] | undefined
}

/** What the credentials are made of; the connector's options of the same names. */
export interface CredentialsOptions {
  auth?: Auth | undefined
  loginAuth?: Auth | undefined
  impersonate?: Impersonation | undefined
  quotaProject?: string | undefined
  universeDomain?: string | undefined
}

/** The scope for the Admin API. */
const adminScope = 'https://www.googleapis.com/auth/cloud-platform'
/** The scope for the token of the metadata exchange: it allows to log in, and nothing else. */
const loginScope = 'https://www.googleapis.com/auth/alloydb.login'

/**
 * The credentials of one connector: for the Admin API, and for the metadata exchange.
 *
 * Nothing is loaded before the first use. Tokens are never kept here: google-auth-library does, and renews one that has
 * less than five minutes left before it gives it out.
 */
export class Credentials {
  readonly #options: CredentialsOptions
  readonly #emulator: string | undefined
  #adminClient: Promise<AuthClient> | undefined
  #loginClient: Promise<AuthClient> | undefined

  /** @param emulator the emulator's origin, where that is what is connected to: it has credentials for all */
  constructor(options: CredentialsOptions, emulator: string | undefined) {
    this.#options = options
    this.#emulator = emulator
  }

  /** The client whose tokens and HTTP transport the Admin API calls use. */
  async adminClient(): Promise<AuthClient> {
    this.#adminClient ??= this.#open(this.#options.auth, adminScope)
    return this.#adminClient.catch((error: unknown) => {
      this.#adminClient = undefined // the next call may find a mended file
      throw credentialsError(error)
    })
  }

  /** The headers that authorise a call to the Admin API. */
  async adminHeaders(url: string): Promise<Headers> {
    const headers = await authorise(await this.adminClient(), url)
    if (this.#options.quotaProject !== undefined) {
      headers.set('x-goog-user-project', this.#options.quotaProject)
    }
    return headers
  }

  /** The token that goes into the metadata exchange. */
  async loginToken(): Promise<string> {
    const headers = await authorise(await this.#openLoginClient())
    const token = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (token === undefined) {
      throw new AlloyDBError('ALLOYDB_CREDENTIALS_REJECTED', 'The credentials gave no access token.', {
        hint: 'Use credentials that can fetch OAuth 2.0 access tokens; an API key cannot log in to AlloyDB.',
      })
    }
    return token
  }

  /**
   * The database user that IAM login uses.
   *
   * @throws ALLOYDB_IAM_USER_UNKNOWN where the credentials do not tell whose they are
   */
  async iamUser(): Promise<string> {
    const { impersonate, loginAuth, auth } = this.#options
    if (impersonate !== undefined) return toIamUser(impersonate.targetPrincipal)
    const principal = await this.#findPrincipal(loginAuth ?? auth)
    if (principal === undefined) {
      throw new AlloyDBError(
        'ALLOYDB_IAM_USER_UNKNOWN',
        'The credentials do not tell which IAM principal they belong to.',
        { hint: 'Set `user` to the e-mail of the IAM principal that logs in.' },
      )
    }
    return toIamUser(principal)
  }

  async #findPrincipal(auth: Auth | undefined): Promise<string | undefined> {
    try {
      if (auth === undefined && this.#emulator !== undefined)
        return await findEmulatorPrincipal(this.#emulator)
      return await findPrincipal(auth ?? (await this.#openLoginClient()))
    } catch (error) {
      throw credentialsError(error)
    }
  }

  #open(auth: Auth | undefined, scope: string): Promise<AuthClient> {
    return auth === undefined && this.#emulator !== undefined
      ? openEmulatorAuth(this.#emulator, scope)
      : openAuthClient(auth, scope, this.#options)
  }

  async #openLoginClient(): Promise<AuthClient> {
    const { loginAuth, auth } = this.#options
    this.#loginClient ??= this.#open(loginAuth ?? auth, loginScope)
    return this.#loginClient.catch((error: unknown) => {
      this.#loginClient = undefined
      throw credentialsError(error)
    })
  }
}

async function authorise(client: AuthClient, url?: string): Promise<Headers> {
  try {
    return new Headers(await client.getRequestHeaders(url))
  } catch (error) {
    throw credentialsError(error)
  }
}
