import { AccessTokens } from './access-tokens.ts'
import { adminRoutes } from './admin-api.ts'
import { CertificateAuthority } from './certificate-authority.ts'
import { Cluster, type DatabaseUser } from './cluster.ts'
import {
  Credentials,
  defaultServiceAccount,
  type EmulatorAuth,
  type ServiceAccountKey,
} from './credentials.ts'
import { Faults, type Cut } from './faults.ts'
import { HttpRouter, type Route } from './http-router.ts'
import { Iam, isServiceAccount, type IamOptions } from './iam.ts'
import {
  Instance,
  requireLoopback,
  type EmulatedInstance,
  type InstanceAddresses,
  type InstanceOptions,
} from './instance.ts'
import { parseInstanceName } from './instance-name.ts'
import { metadataRoutes } from './metadata-server.ts'
import type { PostgresAddress } from './postgres-address.ts'
import { startPostgres } from './postgres-server.ts'
import { ProxySession } from './proxy-session.ts'
import { RequestLog, type RecordedRequest } from './request-log.ts'
import { ServerSideProxy } from './server-side-proxy.ts'
import { tokenRoutes } from './token-service.ts'

const DEFAULT_INSTANCE = 'projects/emulator/locations/local/clusters/main/instances/primary'

/** How an emulator is set up. */
export interface EmulatorOptions {
  /**
   * The instances, by their URIs or with options of their own. Those of one cluster share users and data. Defaults to
   * `projects/emulator/locations/local/clusters/main/instances/primary`.
   */
  instances?: readonly (string | InstanceOptions)[] | undefined
  /**
   * The port of the server-side proxies. Two instances can have the same port at different addresses alone. Defaults
   * to 0, a free port for each instance.
   */
  port?: number | undefined
  /** The port of the Admin API and the token endpoint. Defaults to 0, a free port. */
  adminPort?: number | undefined
  /** The lifetime of client certificates. Defaults to what the caller asks for. */
  certificateLifetimeMs?: number | undefined
  /** Who there is, and what they may do. */
  iam?: IamOptions | undefined
  /**
   * Database users of every cluster, besides `postgres` with the password `postgres`. Defaults to one IAM user, for
   * the first service account.
   */
  databaseUsers?: readonly DatabaseUser[] | undefined
  /**
   * A PostgreSQL that is running already, from {@link startPostgres}, for every cluster; it is left running. Users
   * and data are then shared by all emulators that use it. Defaults to one of its own for each cluster.
   */
  postgres?: PostgresAddress | undefined
}

/** A local AlloyDB that is running. */
export interface Emulator extends AsyncDisposable {
  /** `127.0.0.1:<port>` of the Admin API and the token endpoint: the value of `ALLOYDB_EMULATOR_HOST`. */
  readonly host: string
  /** The URI of the first instance. */
  readonly instance: string
  readonly instances: readonly EmulatedInstance[]
  /** Options for google-auth-library's `new GoogleAuth()`, as the first service account. */
  readonly auth: EmulatorAuth
  /** The key of the first service account, as its JSON file holds it. */
  readonly serviceAccount: ServiceAccountKey
  /** The environment variables that lead a connector here. */
  readonly env: { readonly ALLOYDB_EMULATOR_HOST: string }
  /** Who may do what; changes take effect at once. */
  readonly iam: Iam
  /** What is to go wrong. */
  readonly faults: Faults
  /** The access tokens that the token endpoint has issued. */
  readonly tokens: TokenSettings
  /** Every step that a client has asked for, in order. */
  readonly requests: readonly RecordedRequest[]
  /** Options for `new GoogleAuth()`, as any principal: a service account with a key, a user with a refresh token. */
  authFor(email: string): Promise<EmulatorAuth>
  /** Adds a database user, or changes one. */
  addDatabaseUser(user: DatabaseUser, instance?: string): Promise<void>
  /** Cuts every connection to one instance, or to all, as maintenance does. Defaults to an orderly end. */
  disconnectAll(how?: Cut, instance?: string): void
  /** Moves an instance: connections are cut, and the certificate is for the new addresses. */
  setAddresses(instance: string, addresses: InstanceAddresses): Promise<void>
  /** Sets the instance flag `alloydb.iam_authentication`, for logins to come. */
  setIamAuthentication(instance: string, enabled: boolean): void
  /** Shuts an instance's server-side proxy: dialing it is refused. The Admin API still knows the instance. */
  stopInstance(instance: string): Promise<void>
  /** Opens it again, on the same port. */
  startInstance(instance: string): Promise<void>
  /** Stops everything that was started, and removes the data. Calling it again does nothing more. */
  stop(): Promise<void>
}

/** Settings of the token endpoint. */
export interface TokenSettings {
  /** The lifetime of tokens to come, in milliseconds. Defaults to one second less than an hour. */
  lifetimeMs: number
  /** Makes every token that has been issued unknown. */
  revokeAll(): void
}

/**
 * Starts a local AlloyDB: the Admin API, a token endpoint, IAM, the server-side proxy and a real PostgreSQL. It listens
 * on loopback addresses alone.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = new RunningEmulator(options)
  try {
    await emulator.start(options)
    return emulator
  } catch (error) {
    await emulator.stop()
    throw error
  }
}

class RunningEmulator implements Emulator {
  host = ''
  auth!: EmulatorAuth
  serviceAccount!: ServiceAccountKey
  readonly iam: Iam
  readonly faults: Faults = new Faults()
  readonly tokens: AccessTokens = new AccessTokens()

  readonly #email: string
  readonly #credentials: Credentials
  readonly #log = new RequestLog()
  readonly #clusters = new Map<string, Cluster>()
  readonly #instances = new Map<string, Instance>()
  readonly #proxies = new Map<string, ServerSideProxy>()
  readonly #router: HttpRouter
  readonly #uris: readonly [string, ...string[]]
  #stopped: Promise<void> | undefined

  constructor({ instances = [], iam = {}, certificateLifetimeMs }: EmulatorOptions) {
    const uris = instances.map((instance) => (typeof instance === 'string' ? instance : instance.uri))
    this.#uris = [uris[0] ?? DEFAULT_INSTANCE, ...uris.slice(1)]
    const duplicate = uris.find((uri, index) => uris.indexOf(uri) !== index)
    if (duplicate) throw new Error(`The instance "${duplicate}" is given twice.`)
    for (const uri of uris) parseInstanceName(uri)
    for (const instance of instances) if (typeof instance !== 'string') requireLoopback(instance)
    const { project } = parseInstanceName(this.instance)
    const first = iam.principals?.find(({ email }) => isServiceAccount(email))?.email
    this.#email = first ?? defaultServiceAccount(project)
    this.iam = new Iam({
      ...iam,
      principals: [...(first ? [] : [{ email: this.#email }]), ...(iam.principals ?? [])],
    })
    this.#credentials = new Credentials(project, () => this.host)
    const services = { iam: this.iam, tokens: this.tokens, credentials: this.#credentials }
    this.#router = new HttpRouter(
      [
        ...adminRoutes({
          ...services,
          clusters: this.#clusters,
          instances: this.#instances,
          certificateLifetimeMs,
        }),
        ...tokenRoutes({ ...services, tokenUri: () => this.serviceAccount.token_uri }),
        ...metadataRoutes({ tokens: this.tokens, email: this.#email }),
        this.#serviceAccountRoute(),
      ],
      this.faults,
      this.#log,
    )
  }

  get instance(): string {
    return this.#uris[0]
  }

  get instances(): readonly EmulatedInstance[] {
    return [...this.#instances.values()]
  }

  get env(): { readonly ALLOYDB_EMULATOR_HOST: string } {
    return { ALLOYDB_EMULATOR_HOST: this.host }
  }

  get requests(): readonly RecordedRequest[] {
    return this.#log.records
  }

  async start({
    instances = [DEFAULT_INSTANCE],
    port = 0,
    adminPort = 0,
    ...options
  }: EmulatorOptions): Promise<void> {
    const names = new Set(this.#uris.map((uri) => parseInstanceName(uri).cluster))
    const admin = this.#router.listen(adminPort).then(async (found) => {
      this.host = `127.0.0.1:${found}`
      this.auth = await this.authFor(this.#email)
      this.serviceAccount = await this.#credentials.serviceAccountKey(this.#email)
    })
    await allOf([admin, ...[...names].map((name) => this.#startCluster(name, options))])
    for (const given of instances) {
      const settings = typeof given === 'string' ? { uri: given } : given
      const owner = this.#clusters.get(parseInstanceName(settings.uri).cluster)!
      await this.#startInstance(new Instance(settings, port, owner))
    }
  }

  authFor(email: string): Promise<EmulatorAuth> {
    return this.#credentials.authFor(email)
  }

  addDatabaseUser(user: DatabaseUser, instance: string = this.instance): Promise<void> {
    return this.#find(instance).owner.addUser(user)
  }

  disconnectAll(how: Cut = 'FIN', instance?: string): void {
    for (const [uri, proxy] of this.#proxies) {
      if (instance === undefined || uri === instance) proxy.disconnectAll(how)
    }
  }

  async setAddresses(instance: string, addresses: InstanceAddresses): Promise<void> {
    const found = this.#find(instance)
    found.setAddresses(addresses)
    await this.stopInstance(instance)
    await this.startInstance(instance)
  }

  setIamAuthentication(instance: string, enabled: boolean): void {
    this.#find(instance).iamAuthentication = enabled
  }

  async stopInstance(instance: string): Promise<void> {
    await this.#proxies.get(this.#find(instance).uri)?.close()
  }

  async startInstance(instance: string): Promise<void> {
    await this.stopInstance(instance)
    await this.#proxies.get(instance)?.listen()
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    await allOf([this.#router.close(), ...[...this.#proxies.values()].map((proxy) => proxy.close())])
    await allOf([...this.#clusters.values()].map((cluster) => cluster.stop()))
  }

  async #startCluster(
    name: string,
    { postgres, databaseUsers = [{ email: this.#email }] }: EmulatorOptions,
  ): Promise<void> {
    const authority = await CertificateAuthority.create()
    const own = postgres ? undefined : await startPostgres()
    const cluster = new Cluster(name, authority, (postgres ?? own)!, own)
    this.#clusters.set(name, cluster)
    for (const user of databaseUsers) await cluster.addUser(user)
  }

  async #startInstance(instance: Instance): Promise<void> {
    const { iam, tokens, faults } = this
    const log = this.#log
    const proxy = new ServerSideProxy(instance, {
      faults,
      log,
      serve: (client) => new ProxySession(client, instance, { iam, tokens, faults, log }).run(),
    })
    this.#instances.set(instance.uri, instance)
    this.#proxies.set(instance.uri, proxy)
    await proxy.listen()
  }

  #find(uri: string): Instance {
    const instance = this.#instances.get(uri)
    if (!instance) {
      throw new Error(`The emulator has no instance "${uri}"; it has: ${this.#uris.join(', ')}.`)
    }
    return instance
  }

  /** For clients in other languages, which take a service account's file: Node's have the metadata server's paths. */
  #serviceAccountRoute(): Route {
    return {
      method: 'GET',
      pattern: /^\/emulator\/service-account\.json$/,
      handle: () => Promise.resolve({ body: this.serviceAccount }),
    }
  }
}

/** Waits for all, the failed ones too, so that there is nothing half-started left to stop; then throws. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
