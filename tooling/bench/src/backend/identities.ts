import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  CertificateAuthority,
  type ServerIdentity,
} from '../../../../packages/emulator/src/certificate-authority.ts'

/** The certificate and key of a client, as the connector would have got them; all PEM. */
export interface ClientIdentity {
  readonly key: string
  /** The leaf, the intermediate and the root. */
  readonly cert: string
  readonly ca: string
}

const certificateLifetimeMs = 24 * 60 * 60_000

/** The emulator's certificate authority, with one certificate for the server and as many as are asked for for clients. */
export class Identities {
  readonly server: ServerIdentity
  readonly #authority: CertificateAuthority

  private constructor(authority: CertificateAuthority, server: ServerIdentity) {
    this.#authority = authority
    this.server = server
  }

  /** @param commonName the name that Cloud SQL's connector expects; AlloyDB's looks at the address alone */
  static async create(commonName: string): Promise<Identities> {
    const authority = await CertificateAuthority.create()
    return new Identities(authority, await authority.issueServer(commonName, ['127.0.0.1', 'localhost']))
  }

  get rootPem(): string {
    return this.#authority.rootPem
  }

  /** Certifies a public key (PEM). */
  certify(publicKey: string): Promise<readonly [string, string, string]> {
    return this.#authority.issueClient(createPublicKey(publicKey), {
      notAfter: new Date(Date.now() + certificateLifetimeMs),
      withExchange: true,
    })
  }

  /** Makes a key and certifies it. */
  async createClient(): Promise<ClientIdentity> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    return { key: privateKey, cert: (await this.certify(publicKey)).join(''), ca: this.rootPem }
  }
}
