import type { AuthClient } from 'google-auth-library'
import { AlloyDBError } from './alloydb-error.ts'
import { credentialsError } from './credentials-error.ts'
import type { Auth, CredentialsOptions } from './credentials-options.ts'
import { openAuthClient } from './auth-client.ts'
import { findEmulatorPrincipal, openEmulatorAuth } from './emulator-auth.ts'
import { toIamUser } from './iam-user.ts'
import { openImpersonatedClient } from './impersonated-client.ts'
import { findPrincipal } from './principal.ts'

/** The scope for the Admin API. */
const adminScope = 'https://www.googleapis.com/auth/cloud-platform'
/** The scope for the token of the metadata exchange: it allows to log in, and nothing else. */
const loginScope = 'https://www.googleapis.com/auth/alloydb.login'

const forgetIntervalMs = 30_000

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
  #iamUser: Promise<string> | undefined
  #mayForgetAt = 0

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
   * The database user that IAM login uses. It is looked up once.
   *
   * @throws ALLOYDB_IAM_USER_UNKNOWN where the credentials do not tell whose they are
   */
  iamUser(): Promise<string> {
    this.#iamUser ??= this.#findIamUser().catch((error: unknown) => {
      this.#iamUser = undefined
      throw error
    })
    return this.#iamUser
  }

  /** Whose credentials the Admin API sees, for the errors to name; `undefined` where they do not tell. */
  async adminPrincipal(): Promise<string | undefined> {
    return this.#findPrincipal(this.#options.auth, () => this.adminClient()).catch(() => undefined)
  }

  /**
   * Has tokens fetched anew, once the service has refused one: it may have been revoked. Not more often than each half
   * minute, since what is refused may be more than the token.
   */
  forgetTokens(): void {
    const now = performance.now()
    if (now < this.#mayForgetAt) return
    this.#mayForgetAt = now + forgetIntervalMs
    this.#adminClient = undefined
    this.#loginClient = undefined
  }

  async #findIamUser(): Promise<string> {
    const { loginAuth, auth } = this.#options
    const principal = await this.#findPrincipal(loginAuth ?? auth, () => this.#openLoginClient())
    if (principal !== undefined) return toIamUser(principal)
    throw new AlloyDBError(
      'ALLOYDB_IAM_USER_UNKNOWN',
      'The credentials do not tell which IAM principal they belong to.',
      { hint: 'Set `user` to the e-mail of the IAM principal that logs in.' },
    )
  }

  async #findPrincipal(auth: Auth | undefined, open: () => Promise<AuthClient>): Promise<string | undefined> {
    const { impersonate } = this.#options
    if (impersonate !== undefined) return impersonate.targetPrincipal
    try {
      if (auth === undefined && this.#emulator !== undefined)
        return await findEmulatorPrincipal(this.#emulator)
      return await findPrincipal(auth ?? (await open()))
    } catch (error) {
      throw credentialsError(error)
    }
  }

  async #open(auth: Auth | undefined, scope: string): Promise<AuthClient> {
    const emulator = this.#emulator
    if (auth !== undefined || emulator === undefined) return openAuthClient(auth, scope, this.#options)
    const { impersonate } = this.#options
    if (impersonate === undefined) return openEmulatorAuth(emulator, scope)
    return openImpersonatedClient(await openEmulatorAuth(emulator, adminScope), impersonate, scope, emulator)
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
