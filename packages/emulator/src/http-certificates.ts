import { CertificateAuthority, type ServerIdentity } from './certificate-authority.ts'
import type { DataDirectory } from './data-directory.ts'
import { dialedAddress } from './instance-addresses.ts'

/** What the certificate of the Admin API's port is always for. */
const NAMES = ['localhost', '127.0.0.1', '::1']

/**
 * The certificates of the Admin API's port, and the authority behind them: clients are told to trust it, so it is kept where
 * anything is.
 */
export class HttpCertificates {
  readonly #listenAddress: string
  readonly #directory: () => DataDirectory | undefined
  #authority: Promise<CertificateAuthority> | undefined

  /** @param directory where to keep the authority; asked for when that is first needed */
  constructor(listenAddress: string, directory: () => DataDirectory | undefined) {
    this.#listenAddress = listenAddress
    this.#directory = directory
  }

  authority(): Promise<CertificateAuthority> {
    return (this.#authority ??= this.#load())
  }

  /** Makes the certificate for clients that ask for a name, or for none. */
  async issue(servername = 'localhost'): Promise<ServerIdentity> {
    const names = new Set([...NAMES, dialedAddress(this.#listenAddress), servername])
    return (await this.authority()).issueServer(servername, [...names])
  }

  async #load(): Promise<CertificateAuthority> {
    const directory = this.#directory()
    const kept = await directory?.read('http-authority')
    if (kept !== undefined) return CertificateAuthority.restore(kept)
    const authority = await CertificateAuthority.create()
    await directory?.write('http-authority', await authority.keep())
    return authority
  }
}
