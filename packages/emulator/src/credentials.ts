import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { DataDirectory } from './data-directory.ts'
import { isFederated, isServiceAccount } from './iam.ts'
import { projectDomain } from './instance-name.ts'

/** The JSON of a service account's key file. */
export interface ServiceAccountKey {
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  client_id: string
  auth_uri: string
  token_uri: string
  universe_domain: string
}

/** The JSON that `gcloud auth application-default login` writes for a user. */
export interface AuthorizedUser {
  type: 'authorized_user'
  client_id: string
  client_secret: string
  refresh_token: string
  universe_domain: string
}

/** The JSON that `gcloud iam workload-identity-pools create-cred-config` writes for a workload from elsewhere. */
export interface ExternalAccount {
  type: 'external_account'
  audience: string
  subject_token_type: string
  token_url: string
  credential_source: { url: string }
  universe_domain: string
}

/** Options for google-auth-library: `new GoogleAuth(auth)`. */
export interface EmulatorAuth {
  credentials: ServiceAccountKey | AuthorizedUser | ExternalAccount
  clientOptions: { transporterOptions: { fetchImplementation: typeof fetch } }
}

// Where google-auth-library goes for tokens, whatever the credentials say; the last is where versions up to 9 do.
const TOKEN_SERVICES =
  /^https:\/\/(?:(?:oauth2|iamcredentials|sts)\.googleapis\.com|www\.googleapis\.com\/oauth2\/v4)\//

/** Makes credentials of principals, and knows them again. */
export class Credentials {
  readonly #project: string
  readonly #host: () => string
  readonly #keys = new Map<string, Promise<KeyObject>>()
  readonly #refreshTokens = new Map<string, string>()
  readonly #subjectTokens = new Map<string, string>()
  #directory: DataDirectory | undefined
  #kept: Promise<void> = Promise.resolve()

  /** `host` is asked for late, since the port is not known before the server listens. */
  constructor(project: string, host: () => string) {
    this.#project = project
    this.#host = host
  }

  /** Takes over what the directory holds, and keeps there what is made from now on. */
  async keepIn(directory: DataDirectory): Promise<void> {
    const kept = parseKept(await directory.read('credentials'))
    for (const [email, key] of kept.serviceAccounts) this.#keys.set(email, Promise.resolve(key))
    for (const [token, email] of kept.refreshTokens) this.#refreshTokens.set(token, email)
    this.#directory = directory
  }

  /** The key of a service account; always the same for the same account. */
  async serviceAccountKey(email: string): Promise<ServiceAccountKey> {
    const known = this.#keys.get(email)
    const made =
      known ?? promisify(generateKeyPair)('rsa', { modulusLength: 2048 }).then((pair) => pair.privateKey)
    this.#keys.set(email, made)
    const privateKey = await made
    if (!known) await this.#keep()
    return this.#describeKey(email, privateKey)
  }

  /** The public key that the account's assertions are signed with, if it has a key. */
  async publicKey(email: string): Promise<KeyObject | undefined> {
    const privateKey = await this.#keys.get(email)
    return privateKey && createPublicKey(privateKey)
  }

  /** The application-default credentials of a user, with a refresh token; always the same for the same user. */
  authorizedUser(email: string): AuthorizedUser {
    return {
      type: 'authorized_user',
      client_id: 'emulator.apps.googleusercontent.com',
      client_secret: 'emulator',
      refresh_token: `1//${tokenOf(this.#refreshTokens, email)}`,
      universe_domain: 'googleapis.com',
    }
  }

  /** The configuration of a workload from elsewhere, whose own identity provider is the emulator, too. */
  externalAccount(principal: string): ExternalAccount {
    return {
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/emulator/providers/emulator',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://${this.#host()}/v1/token`,
      credential_source: {
        url: `http://${this.#host()}/emulator/subject-token/${tokenOf(this.#subjectTokens, principal)}`,
      },
      universe_domain: 'googleapis.com',
    }
  }

  /** Whose subject token it is. */
  subjectTokenOwner(token: string): string | undefined {
    return this.#subjectTokens.get(token)
  }

  /** Whose refresh token it is. */
  refreshTokenOwner(token: string): string | undefined {
    return this.#refreshTokens.get(token.replace(/^1\/\//, ''))
  }

  /** What the file of a principal's credentials holds. */
  async of(principal: string): Promise<EmulatorAuth['credentials']> {
    const credentials = await this.#make(principal)
    await this.#keep()
    return credentials
  }

  async #make(principal: string): Promise<EmulatorAuth['credentials']> {
    if (isFederated(principal)) return this.externalAccount(principal)
    return isServiceAccount(principal) ? this.serviceAccountKey(principal) : this.authorizedUser(principal)
  }

  /** Options with which google-auth-library authenticates as the principal, by its own real code. */
  async authFor(email: string): Promise<EmulatorAuth> {
    return {
      credentials: await this.of(email),
      clientOptions: { transporterOptions: { fetchImplementation: (...args) => this.#fetch(...args) } },
    }
  }

  /** A fetch that brings requests for Google's token services here, and leaves all others alone. */
  #fetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!TOKEN_SERVICES.test(url.href)) return fetch(input, init)
    const target = new URL(url.pathname + url.search, `http://${this.#host()}`)
    return fetch(input instanceof Request ? new Request(target, input) : target, init)
  }

  #describeKey(email: string, privateKey: KeyObject): ServiceAccountKey {
    const publicKey = createPublicKey(privateKey)
    const id = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest()
    return {
      type: 'service_account',
      project_id: this.#project,
      private_key_id: id.toString('hex', 0, 20),
      private_key: pemOf(privateKey),
      client_email: email,
      client_id: id.readBigUInt64BE(20).toString(),
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      // The port may be another one at each start.
      token_uri: `http://${this.#host()}/token`,
      universe_domain: 'googleapis.com',
    }
  }

  /** Writes everything down, after whatever is being written. */
  #keep(): Promise<void> {
    const directory = this.#directory
    if (!directory) return Promise.resolve()
    this.#kept = this.#kept.then(async () => {
      const keys = [...this.#keys].map(async ([email, made]) => [email, pemOf(await made)])
      await directory.write('credentials', {
        serviceAccounts: Object.fromEntries(await Promise.all(keys)) as unknown,
        refreshTokens: Object.fromEntries(this.#refreshTokens),
      })
    })
    return this.#kept
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function parseKept(kept: unknown): {
  serviceAccounts: [string, KeyObject][]
  refreshTokens: [string, string][]
} {
  if (kept === undefined) return { serviceAccounts: [], refreshTokens: [] }
  const { serviceAccounts, refreshTokens } = Object(kept) as Record<string, unknown>
  return {
    serviceAccounts: textEntries(serviceAccounts).map(([email, pem]) => [email, createPrivateKey(pem)]),
    refreshTokens: textEntries(refreshTokens),
  }
}

function textEntries(value: unknown): [string, string][] {
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return entries
  }
  throw new Error('The kept credentials are not what the emulator has written.')
}

/** The service account that the emulator makes where none is asked for. */
export function defaultServiceAccount(project: string): string {
  return `app@${projectDomain(project)}.iam.gserviceaccount.com`
}

/** The token of an owner, made at first and the same from then on. */
function tokenOf(tokens: Map<string, string>, owner: string): string {
  const known = [...tokens].find((entry) => entry[1] === owner)?.[0]
  if (known !== undefined) return known
  const token = randomBytes(32).toString('base64url')
  tokens.set(token, owner)
  return token
}
