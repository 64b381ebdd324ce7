import { isIP } from 'node:net'
import { AccessTokens } from './access-tokens.ts'
import { Clock } from './clock.ts'
import { checkOptions } from './check-options.ts'
import { checkPorts } from './check-ports.ts'
import type { Cluster, DatabaseUser } from './cluster.ts'
import {
  Credentials,
  defaultServiceAccount,
  type EmulatorAuth,
  type ServiceAccountKey,
} from './credentials.ts'
import { DataDirectory } from './data-directory.ts'
import { DEFAULT_INSTANCE, type Emulator, type EmulatorOptions } from './emulator.ts'
import type { ConnectionReport } from './connection-log.ts'
import type { Cut } from './fault.ts'
import { emulatorRoutes } from './emulator-routes.ts'
import { Faults } from './faults.ts'
import { HttpCertificates } from './http-certificates.ts'
import { HttpPort } from './http-port.ts'
import { HttpRouter } from './http-router.ts'
import { Iam, isServiceAccount } from './iam.ts'
import { Incidents } from './incidents.ts'
import { readInitFiles } from './init-file.ts'
import { InstanceIncidents } from './instance-incidents.ts'
import {
  Instance,
  isLoopback,
  type EmulatedInstance,
  type InstanceAddresses,
  type InstanceOptions,
} from './instance.ts'
import { parseInstanceName } from './instance-name.ts'
import { InstanceRegistry } from './instance-registry.ts'
import { assignAddresses, assignPorts, dialedAddress } from './instance-addresses.ts'
import { parseListenAddress } from './listen-address.ts'
import { ProxySession } from './proxy-session.ts'
import { refuseStranger } from './request-host.ts'
import { RequestLog, type RecordedRequest } from './request-log.ts'
import { startCluster } from './start-cluster.ts'
import { ServerSideProxy } from './server-side-proxy.ts'

/**
 * Starts a local AlloyDB: the Admin API, a token endpoint, IAM, the server-side proxy and a real PostgreSQL. It listens
 * on loopback addresses alone, unless `listenAddress` says otherwise.
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
  readonly faults: Faults
  readonly tokens: AccessTokens

  readonly #email: string
  readonly #credentials: Credentials
  readonly #log = new RequestLog()
  readonly #clock = new Clock()
  readonly #incidents: Incidents
  readonly #started: Cluster[] = []
  readonly #registry: InstanceRegistry
  readonly #httpPort: HttpPort
  readonly #httpCertificates: HttpCertificates
  readonly #onConnection: ((connection: ConnectionReport) => void) | undefined
  readonly #isReady = Promise.withResolvers<void>()
  readonly #uris: readonly [string, ...string[]]
  readonly #listenAddress: string
  #directory: DataDirectory | undefined
  #stopped: Promise<void> | undefined

  constructor(options: EmulatorOptions) {
    const { instances = [], iam = {}, certificateLifetimeMs, onConnection } = options
    this.#listenAddress = parseListenAddress(options.listenAddress)
    this.#onConnection = onConnection
    this.tokens = new AccessTokens(this.#clock)
    checkOptions(options)
    const uris = instances.map((instance) => (typeof instance === 'string' ? instance : instance.uri))
    this.#uris = [uris[0] ?? DEFAULT_INSTANCE, ...uris.slice(1)]
    const { project } = parseInstanceName(this.instance)
    const first = iam.principals?.find(({ email }) => isServiceAccount(email))?.email
    this.#email = first ?? defaultServiceAccount(project)
    this.iam = new Iam({
      ...iam,
      principals: [...(first ? [] : [{ email: this.#email }]), ...(iam.principals ?? [])],
    })
    this.#registry = new InstanceRegistry(this.instance)
    this.#incidents = new Incidents(new InstanceIncidents(this.#registry, this.#clock))
    this.faults = new Faults(this.#incidents, this.#uris)
    this.#credentials = new Credentials(project, () => this.host)
    this.#httpCertificates = new HttpCertificates(this.#listenAddress, () => this.#directory)
    const routes = emulatorRoutes(this, {
      clock: this.#clock,
      credentials: this.#credentials,
      log: this.#log,
      registry: this.#registry,
      tokens: this.tokens,
      email: this.#email,
      project,
      certificateLifetimeMs,
    })
    const refuse = isLoopback(this.#listenAddress) ? refuseStranger : () => undefined
    const router = new HttpRouter(routes, this.faults, this.#log, refuse)
    this.#httpPort = new HttpPort({
      identity: (servername) => this.#httpCertificates.issue(servername),
      serve: async (exchange) => {
        // Who asks while the emulator starts must not be told that there is no instance.
        await this.#isReady.promise
        await router.serve(exchange)
      },
    })
  }

  get instance(): string {
    return this.#uris[0]
  }

  get instances(): readonly EmulatedInstance[] {
    return this.#uris.flatMap((uri) => this.#registry.instances.get(uri) ?? [])
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
    postgres,
    databaseUsers = [{ email: this.#email }],
    database,
    initFiles: initPaths = [],
    dataDirectory,
    onInitFilesSkipped,
    onPostgresExit,
    signal,
  }: EmulatorOptions): Promise<void> {
    const initFiles = await readInitFiles(initPaths)
    const all = instances.map((given) => (typeof given === 'string' ? { uri: given } : given))
    const isLocal = isLoopback(this.#listenAddress)
    const assigned = isLocal
      ? assignAddresses(all, port)
      : assignPorts(all, port, dialedAddress(this.#listenAddress))
    const directory = dataDirectory === undefined ? undefined : await DataDirectory.open(dataDirectory)
    this.#directory = directory
    if (directory) await this.#credentials.keepIn(directory)
    // PostgreSQL takes a while: what would be in vain is not begun.
    const foundPort = await this.#httpPort.listen(adminPort, this.#listenAddress)
    await checkPorts(assigned.flatMap((instance) => this.#placesOf(instance, port)))
    const names = new Set(this.#uris.map((uri) => parseInstanceName(uri).cluster))
    const prepareCredentials = async (): Promise<void> => {
      this.host = authorityOf(dialedAddress(this.#listenAddress), foundPort)
      this.auth = await this.authFor(this.#email)
      this.serviceAccount = await this.#credentials.serviceAccountKey(this.#email)
    }
    const startOne = async (name: string): Promise<void> => {
      const cluster = await startCluster(name, {
        postgres,
        databaseUsers,
        database,
        initFiles,
        onInitFilesSkipped,
        onPostgresExit,
        signal,
        directory,
      })
      this.#started.push(cluster)
      this.#registry.clusters.set(name, cluster)
    }
    await allOf([prepareCredentials(), ...[...names].map(startOne)])
    signal?.throwIfAborted()
    for (const settings of assigned) {
      const owner = this.#registry.clusters.get(parseInstanceName(settings.uri).cluster)!
      await this.#startInstance(new Instance(settings, port, owner, isLocal))
    }
    this.#isReady.resolve()
  }

  async caCertificate(): Promise<string> {
    return (await this.#httpCertificates.authority()).rootPem
  }

  authFor(email: string): Promise<EmulatorAuth> {
    return this.#credentials.authFor(email)
  }

  addDatabaseUser(user: DatabaseUser, instance?: string): Promise<void> {
    return this.#registry.find(instance).owner.addUser(user)
  }

  disconnectAll(how: Cut = 'FIN', instance?: string): void {
    this.#registry.disconnectAll(how, instance)
  }

  async setAddresses(instance: string, addresses: InstanceAddresses): Promise<void> {
    await this.#registry.move(this.#registry.find(instance), addresses)
  }

  setIamAuthentication(instance: string, enabled: boolean): void {
    this.#registry.find(instance).iamAuthentication = enabled
  }

  async stopInstance(instance: string): Promise<void> {
    await this.#proxyOf(instance).close()
  }

  async startInstance(instance: string): Promise<void> {
    await this.stopInstance(instance)
    await this.#proxyOf(instance).listen()
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    try {
      await this.#incidents.stop()
      await allOf([this.#httpPort.close(), ...this.#registry.closeProxies()])
      await allOf(this.#started.map((cluster) => cluster.stop()))
    } finally {
      await this.#directory?.close()
    }
  }

  /** Where an instance's server-side proxy is to listen, as far as that has been chosen. */
  #placesOf(instance: InstanceOptions, port: number): { port: number; address: string }[] {
    const addresses = isLoopback(this.#listenAddress)
      ? new Set([instance.privateIpAddress, instance.publicIpAddress])
      : [this.#listenAddress]
    return [...addresses].flatMap((address) => (address ? { port: instance.port ?? port, address } : []))
  }

  async #startInstance(instance: Instance): Promise<void> {
    const { iam, tokens, faults } = this
    const proxy = new ServerSideProxy(instance, {
      clock: this.#clock,
      listenAddress: isLoopback(this.#listenAddress) ? undefined : this.#listenAddress,
      faults,
      log: this.#log,
      report: this.#onConnection,
      serve: (client) => new ProxySession(client, instance, { iam, tokens, faults, log: client.log }).run(),
    })
    await this.#registry.add(instance, proxy)
  }

  #proxyOf(instance: string): ServerSideProxy {
    return this.#registry.proxyOf(this.#registry.find(instance))
  }
}

/** An address and a port, as URLs have them. */
function authorityOf(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}

/** Waits for all, the failed ones too, so that there is nothing half-started left to stop; then throws. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
