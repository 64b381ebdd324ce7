import { randomUUID } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import type { ServerIdentity, Validity } from './certificate-authority.ts'
import type { Cluster } from './cluster.ts'
import { parseInstanceName } from './instance-name.ts'

/** Where an instance can be reached. */
export interface InstanceAddresses {
  /**
   * A loopback address, or `null` for none. Defaults to `127.0.0.1`; where several instances are to have the same port, to the
   * next free one: `127.0.0.2`, and so on.
   */
  privateIpAddress?: string | null | undefined
  /** A loopback address, or `null` for none. Its default is that of `privateIpAddress`. */
  publicIpAddress?: string | null | undefined
  /**
   * A name that resolves to one of the addresses, or `localhost`, or `null` for none. Defaults to `localhost`; for an
   * instance that is not at 127.0.0.1, to its address: no other name leads to this machine everywhere. The service's own
   * names often end with a dot. `localhost.` does too, but clients that don't strip the dot, as Go's, find it nowhere.
   */
  pscDnsName?: string | null | undefined
  /** Defaults to none. */
  pscAutoDnsName?: string | null | undefined
}

/** What an instance is for. */
export type InstanceType = 'PRIMARY' | 'READ_POOL'

/** An instance to emulate. */
export interface InstanceOptions extends InstanceAddresses {
  /** `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`. */
  uri: string
  /** A read pool serves the data of its cluster's primary, and refuses to write. Defaults to `PRIMARY`. */
  instanceType?: InstanceType | undefined
  /** The port of the server-side proxy; the service's is 5433. Defaults to {@link EmulatorOptions.port}. */
  port?: number | undefined
  /** The instance flag `alloydb.iam_authentication`. Defaults to `true`. */
  iamAuthentication?: boolean | undefined
}

/** An instance as it stands. */
export interface EmulatedInstance {
  readonly uri: string
  readonly instanceType: InstanceType
  /** The resource name of its cluster. Instances of one cluster share authorities, users and data. */
  readonly cluster: string
  readonly uid: string
  readonly privateIpAddress: string | null
  readonly publicIpAddress: string | null
  readonly pscDnsName: string | null
  readonly pscAutoDnsName: string | null
  /** The port of the server-side proxy, on all of its addresses. */
  readonly port: number
  /** Leads `psql` and the like past the server-side proxy, straight to PostgreSQL. It never holds your own server's password. */
  readonly postgresUrl: string
  readonly iamAuthentication: boolean
}

/** The emulator's side of an instance. */
export class Instance implements EmulatedInstance {
  readonly uri: string
  readonly instanceType: InstanceType
  uid: string = randomUUID()
  port: number
  iamAuthentication: boolean
  privateIpAddress: string | null = '127.0.0.1'
  publicIpAddress: string | null = '127.0.0.1'
  pscDnsName: string | null = 'localhost'
  pscAutoDnsName: string | null = null
  /** PostgreSQL restarts, and takes no sessions yet. */
  isPostgresStarting = false
  /** The process ids of PostgreSQL's backends of this instance's sessions. */
  readonly backends: Set<number> = new Set()
  readonly #owner: Cluster
  readonly #isLocal: boolean

  /** `isLocal`: all of its addresses are to be this machine's alone. */
  constructor(options: InstanceOptions, port: number, owner: Cluster, isLocal: boolean) {
    this.#isLocal = isLocal
    this.uri = options.uri
    this.instanceType = options.instanceType ?? 'PRIMARY'
    this.port = options.port ?? port
    this.iamAuthentication = options.iamAuthentication ?? true
    this.#owner = owner
    this.setAddresses(options)
  }

  get owner(): Cluster {
    return this.#owner
  }

  get postgresUrl(): string {
    return this.#owner.postgres.url
  }

  get cluster(): string {
    return parseInstanceName(this.uri).cluster
  }

  /** Makes it another instance of the same name. */
  remake(): void {
    this.uid = randomUUID()
  }

  get addresses(): InstanceAddresses {
    const { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName } = this
    return { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName }
  }

  /** Throws where it cannot have an address. */
  checkAddresses(addresses: InstanceAddresses): void {
    requireIpAddresses(addresses)
    if (this.#isLocal) requireLoopback(addresses)
  }

  /** Sets those that are given. */
  setAddresses(addresses: InstanceAddresses): void {
    this.checkAddresses(addresses)
    const { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName } = addresses
    if (privateIpAddress !== undefined) this.privateIpAddress = privateIpAddress
    if (publicIpAddress !== undefined) this.publicIpAddress = publicIpAddress
    if (pscDnsName !== undefined) this.pscDnsName = pscDnsName
    if (pscAutoDnsName !== undefined) this.pscAutoDnsName = pscAutoDnsName
  }

  /** The addresses that the server-side proxy listens on. */
  get listenAddresses(): string[] {
    const addresses = [this.privateIpAddress, this.publicIpAddress].filter((address) => address !== null)
    const names = [this.pscDnsName, this.pscAutoDnsName].filter((name) => name !== null)
    const needsLocalhost = names.some((name) => addresses.length === 0 || /^localhost\.?$/.test(name))
    return [...new Set([...addresses, ...(needsLocalhost ? ['127.0.0.1'] : [])])]
  }

  /** Makes a server certificate, for the addresses that a client may dial unless others are given. */
  issueCertificate(
    addresses: readonly string[] = this.#certifiedAddresses(),
    validity: Validity = {},
  ): Promise<ServerIdentity> {
    return this.#owner.authority.issueServer(this.commonName, addresses, validity)
  }

  get commonName(): string {
    return `${this.uid}.server.alloydb`
  }

  #certifiedAddresses(): string[] {
    const names = [this.pscDnsName, this.pscAutoDnsName].map((name) => name?.replace(/\.$/, ''))
    const all = [this.privateIpAddress, this.publicIpAddress, ...names]
    return [...new Set(all.filter((address) => typeof address === 'string'))]
  }
}

/** Throws where an address is a name: clients get these as IP addresses, and a certificate must hold them as such. */
export function requireIpAddresses({ privateIpAddress, publicIpAddress }: InstanceAddresses): void {
  for (const address of [privateIpAddress, publicIpAddress]) {
    if (address === null || address === undefined || isIP(address)) continue
    throw new Error(
      `"${address}" is no IP address, at which clients could dial an instance.\n` +
        'A name goes into pscDnsName (on the command line: --psc-dns-name), for clients with the IP type PSC.',
    )
  }
}

/** Throws where an instance would be reachable from elsewhere. */
export function requireLoopback({ privateIpAddress, publicIpAddress }: InstanceAddresses): void {
  for (const address of [privateIpAddress, publicIpAddress]) {
    if (!address || isLoopback(address)) continue
    throw new Error(
      `"${address}" is not a loopback address, and the emulator is for this machine alone.\n` +
        'Use 127.0.0.1 or, on Linux, any other address that begins with 127.',
    )
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether only this machine reaches the IP address, however that is written. */
export function isLoopback(address: string): boolean {
  const version = isIP(address)
  return version !== 0 && LOOPBACK.check(address, version === 6 ? 'ipv6' : 'ipv4')
}
