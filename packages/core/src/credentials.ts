import { within } from './abortable.ts'
import { AlloyDBError } from './alloydb-error.ts'
import {
  credentialsError,
  iamUserTimeoutError,
  noTokenError,
  tokenTimeoutError,
} from './credentials-error.ts'
import type { Auth, CredentialsOptions } from './credentials-options.ts'
import { openAuthClient } from './auth-client.ts'
import { findEmulatorPrincipal, openEmulatorAuth } from './emulator-auth.ts'
import { defaultUniverseDomain } from './endpoint.ts'
import { universeDomainOf, type GoogleClient } from './google-client.ts'
import { toIamUser } from './iam-user.ts'
import { openImpersonatedClient } from './impersonated-client.ts'
import { keepSuccess } from './keep-success.ts'
import { findPrincipal } from './principal.ts'
import { adminScope, loginScope } from './scopes.ts'

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
  readonly #timeoutMs: number
  #openAdminClient: () => Promise<GoogleClient>
  #openLoginClient: () => Promise<GoogleClient>
  #mayForgetAt = 0
  #tokenGeneration = 0

  /**
   * Finds the database user that IAM login uses; once.
   *
   * @throws ALLOYDB_IAM_USER_UNKNOWN where the credentials do not tell whose they are
   */
  readonly iamUser: () => Promise<string> = keepSuccess(() => this.#findIamUser())

  /**
   * @param emulator the emulator's origin, where that is what is connected to: it has credentials for all
   * @param timeoutMs how long an answer is waited for, but for that of {@link loginToken}; google-auth-library itself has no limit
   */
  constructor(options: CredentialsOptions, emulator: string | undefined, timeoutMs: number) {
    this.#options = options
    this.#emulator = emulator
    this.#timeoutMs = timeoutMs
    this.#openAdminClient = this.#keepClient(options.auth, adminScope)
    this.#openLoginClient = this.#keepClient(options.loginAuth ?? options.auth, loginScope)
  }

  /** The client whose tokens and HTTP transport the Admin API calls use. */
  adminClient(): Promise<GoogleClient> {
    return this.#openAdminClient()
  }

  /** The headers that authorise a call to the Admin API. */
  async adminHeaders(url: string): Promise<Headers> {
    const authorising = (): Promise<Headers> =>
      this.#use(
        () => this.adminClient(),
        (client) => authorise(client, url),
      )
    const headers = new Headers(await this.#inTime(authorising, tokenTimeoutError))
    if (this.#options.quotaProject !== undefined) {
      headers.set('x-goog-user-project', this.#options.quotaProject)
    }
    return headers
  }

  /** The token that goes into the metadata exchange. Every connect asks for it, and has a time limit already. */
  async loginToken(): Promise<string> {
    const token = await this.#use(() => this.#openLoginClient(), tokenOf)
    if (token === undefined) {
      throw new AlloyDBError('ALLOYDB_CREDENTIALS_REJECTED', 'The credentials gave no access token.', {
        hint: 'Use credentials that can fetch OAuth 2.0 access tokens; an API key cannot log in to AlloyDB.',
      })
    }
    return token
  }

  /** Whose credentials the Admin API sees, for the errors to name; `undefined` where they do not tell. */
  async adminPrincipal(): Promise<string | undefined> {
    return this.#findPrincipal(this.#options.auth, () => this.adminClient()).catch(() => undefined)
  }

  /** Counts how often tokens were forgotten; to be read before one is used. */
  get tokenGeneration(): number {
    return this.#tokenGeneration
  }

  /**
   * Has tokens fetched anew, by clients that are made anew: once the service has refused one, which may have been revoked; once none could be
   * had, since the file of the credentials may have been mended; and once none has come, since a request that is never answered would be joined by
   * all who ask. Not more often than each half minute, since what is refused may be more than the token.
   *
   * @param generation which tokens it is about
   * @returns whether those that come now are others
   */
  forgetTokens(generation: number): boolean {
    if (generation !== this.#tokenGeneration) return true
    const now = performance.now()
    if (now < this.#mayForgetAt) return false
    this.#mayForgetAt = now + forgetIntervalMs
    this.#tokenGeneration += 1
    const { auth, loginAuth } = this.#options
    this.#openAdminClient = this.#keepClient(auth, adminScope)
    this.#openLoginClient = this.#keepClient(loginAuth ?? auth, loginScope)
    return true
  }

  /** Does what may take a token. After a failure, the next call begins with the credentials themselves. */
  async #use<T>(open: () => Promise<GoogleClient>, work: (client: GoogleClient) => Promise<T>): Promise<T> {
    const tokens = this.#tokenGeneration
    try {
      return await work(await open())
    } catch (error) {
      this.forgetTokens(tokens)
      throw credentialsError(error)
    }
  }

  /** Gives up on what is not answered, and on the clients that wait for it. */
  async #inTime<T extends object>(
    work: () => Promise<T>,
    tooLate: (timeoutMs: number) => AlloyDBError,
  ): Promise<T> {
    const tokens = this.#tokenGeneration
    const result = await within(work(), this.#timeoutMs)
    if (result !== undefined) return result
    this.forgetTokens(tokens)
    throw tooLate(this.#timeoutMs)
  }

  async #findIamUser(): Promise<string> {
    const { loginAuth, auth } = this.#options
    const { principal } = await this.#inTime(
      async () => ({
        principal: await this.#findPrincipal(loginAuth ?? auth, () => this.#openLoginClient()),
      }),
      iamUserTimeoutError,
    )
    if (principal !== undefined) return toIamUser(principal)
    throw new AlloyDBError(
      'ALLOYDB_IAM_USER_UNKNOWN',
      'The credentials do not tell which IAM principal they belong to.',
      { hint: 'Set `user` to the e-mail of the IAM principal that logs in.' },
    )
  }

  async #findPrincipal(
    auth: Auth | undefined,
    open: () => Promise<GoogleClient>,
  ): Promise<string | undefined> {
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

  async #open(auth: Auth | undefined, scope: string): Promise<GoogleClient> {
    const emulator = this.#emulator
    if (auth !== undefined || emulator === undefined) return openAuthClient(auth, scope, this.#options)
    const { impersonate } = this.#options
    if (impersonate === undefined) return openEmulatorAuth(emulator, scope)
    const own = await openEmulatorAuth(emulator, adminScope)
    return openImpersonatedClient(own, impersonate, scope, { endpoint: emulator })
  }

  /** A client that is opened when it is first asked for; after a failure, a mended file is found without more ado. */
  #keepClient(auth: Auth | undefined, scope: string): () => Promise<GoogleClient> {
    return keepSuccess(() =>
      this.#open(auth, scope).catch((error: unknown) => {
        throw credentialsError(error)
      }),
    )
  }
}

async function authorise(client: GoogleClient, url?: string): Promise<Headers> {
  const headers = readHeaders(await client.getRequestHeaders(url))
  // The library takes whatever comes with 200 for an answer with a token.
  if (headers.get('authorization') === 'Bearer undefined') throw noTokenError()
  return headers
}

/**
 * A client's token by itself, where it gives that: making its headers would be a fiftieth of what a connect takes. In a universe of its own, a key
 * signs headers, and has no token.
 */
async function tokenOf(client: GoogleClient): Promise<string | undefined> {
  if (client.getAccessToken && universeDomainOf(client) === defaultUniverseDomain) {
    const { token } = await client.getAccessToken()
    if (token) return token
  }
  const headers = await authorise(client)
  return /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1]
}

/** What a client gives; those of older versions of google-auth-library a plain object. */
function readHeaders(given: Headers | Record<string, string>): Headers {
  if (given instanceof Headers) return given
  try {
    return new Headers(given)
  } catch {
    // The reason quotes the token.
    throw new AlloyDBError('ALLOYDB_CREDENTIALS_REJECTED', 'The access token cannot stand in a header.', {
      hint: 'The client of the credentials gave a token with characters that no token has, such as a line break: check where it reads it from.',
    })
  }
}
