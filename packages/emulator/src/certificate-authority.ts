// @peculiar/x509 finds its algorithms by decorators, which need this.
import 'reflect-metadata'
import { createPublicKey, randomBytes, webcrypto, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const DAY_MS = 86_400_000
/** The organizational unit of clients that asked for the metadata exchange. How the service notes that in a certificate is not known. */
export const METADATA_EXCHANGE = 'metadata-exchange'
const TEN_YEARS_MS = 3650 * DAY_MS
// Elliptic keys are made in a millisecond; RSA keys would be most of the emulator's start.
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const usage = x509.KeyUsageFlags

/** A private key and its certificate, both PEM. */
export interface ServerIdentity {
  key: string
  cert: string
}

interface Issuer {
  certificate: x509.X509Certificate
  key: webcrypto.CryptoKey
}

/** When a certificate is valid. */
export interface Validity {
  /** Defaults to a day ago, or a day before its end. */
  notBefore?: Date | undefined
  /** Defaults to ten years from now. */
  notAfter?: Date | undefined
}

interface CertificateRequest extends Validity {
  subject: string
  publicKey: webcrypto.CryptoKey | Uint8Array
  extensions: x509.Extension[]
}

/** The keys of one cluster's authorities. */
interface KeptAuthority {
  root: ServerIdentity
  client: ServerIdentity
}

/** The authorities of one cluster: a root, which signs server certificates, and a `client.alloydb` under it. */
export class CertificateAuthority {
  readonly #root: Issuer
  readonly #client: Issuer

  private constructor(root: Issuer, client: Issuer) {
    this.#root = root
    this.#client = client
  }

  /** Makes the two key pairs and certificates. */
  static async create(): Promise<CertificateAuthority> {
    const [rootKeys, clientKeys] = await Promise.all([generateKeys(), generateKeys()])
    const root = await sign(undefined, rootKeys.privateKey, {
      subject: `CN=root.alloydb,OU=${randomBytes(8).toString('hex')},O=Emulator`,
      publicKey: rootKeys.publicKey,
      extensions: [
        ...authorityExtensions(1),
        await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
      ],
    })
    const client = await sign(root, rootKeys.privateKey, {
      subject: 'CN=client.alloydb',
      publicKey: clientKeys.publicKey,
      extensions: authorityExtensions(0),
    })
    return new CertificateAuthority(
      { certificate: root, key: rootKeys.privateKey },
      { certificate: client, key: clientKeys.privateKey },
    )
  }

  /** Makes it again from what {@link keep} has returned. */
  static async restore(kept: unknown): Promise<CertificateAuthority> {
    const { root, client } = parseKept(kept)
    return new CertificateAuthority(await restoreIssuer(root), await restoreIssuer(client))
  }

  /** The private keys and the certificates, to be kept in a safe place. */
  async keep(): Promise<KeptAuthority> {
    return { root: await keepIssuer(this.#root), client: await keepIssuer(this.#client) }
  }

  /** The root certificate, PEM: `caCert`. */
  get rootPem(): string {
    return pem(this.#root.certificate)
  }

  /** Makes a server certificate for the addresses: IP addresses, and DNS names without a trailing dot. */
  async issueServer(
    commonName: string,
    addresses: readonly string[],
    validity: Validity = {},
  ): Promise<ServerIdentity> {
    const keys = await generateKeys()
    const names = addresses.map((value) => ({
      type: isIP(value) ? ('ip' as const) : ('dns' as const),
      value,
    }))
    const certificate = await sign(this.#root.certificate, this.#root.key, {
      subject: `CN=${commonName}`,
      publicKey: keys.publicKey,
      ...validity,
      extensions: [
        ...leafExtensions(x509.ExtendedKeyUsage.serverAuth),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    })
    return keepIssuer({ certificate, key: keys.privateKey })
  }

  /** Signs a client's key, and returns the chain: leaf, intermediate, root. */
  async issueClient(
    publicKey: KeyObject,
    { withExchange = true, ...validity }: Validity & { withExchange?: boolean },
  ): Promise<[string, string, string]> {
    const leaf = await sign(this.#client.certificate, this.#client.key, {
      subject: withExchange ? `CN=alloydb-client,OU=${METADATA_EXCHANGE}` : 'CN=alloydb-client',
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      ...validity,
      extensions: leafExtensions(x509.ExtendedKeyUsage.clientAuth),
    })
    return [pem(leaf), pem(this.#client.certificate), this.rootPem]
  }
}

async function keepIssuer({ certificate, key }: Issuer): Promise<ServerIdentity> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key)
  return { key: x509.PemConverter.encode(bytes, 'PRIVATE KEY'), cert: pem(certificate) }
}

async function restoreIssuer({ key, cert }: ServerIdentity): Promise<Issuer> {
  const bytes = x509.PemConverter.decodeFirst(key)
  return {
    certificate: new x509.X509Certificate(cert),
    key: await webcrypto.subtle.importKey('pkcs8', bytes, ALGORITHM, true, ['sign']),
  }
}

function parseKept(kept: unknown): KeptAuthority {
  if (isRecord(kept) && isIdentity(kept['root']) && isIdentity(kept['client'])) {
    return { root: kept['root'], client: kept['client'] }
  }
  throw new Error('The kept authorities are not what the emulator has written.')
}

function isIdentity(value: unknown): value is ServerIdentity {
  return isRecord(value) && typeof value['key'] === 'string' && typeof value['cert'] === 'string'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Parses a client's public key, in either of the two forms that the service takes. */
export function parseClientPublicKey(text: string): KeyObject {
  if (!/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)) throw new Error('is not a PEM-encoded public key')
  const key = createPublicKey(text)
  if (key.asymmetricKeyType !== 'rsa') throw new Error('is not an RSA key')
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < 2048) throw new Error(`has ${bits} bits, where 2048 are the least`)
  return key
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function sign(
  issuer: x509.X509Certificate | undefined,
  signingKey: webcrypto.CryptoKey,
  {
    subject,
    publicKey,
    notBefore,
    notAfter = new Date(Date.now() + TEN_YEARS_MS),
    extensions,
  }: CertificateRequest,
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    serialNumber: `7f${randomBytes(15).toString('hex')}`,
    subject,
    issuer: issuer?.subject ?? subject,
    // A day back, for clients whose clock is slow, and for tests that fake the time: it moves the clock of this process,
    // and OpenSSL goes by the machine's.
    notBefore: notBefore ?? new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS),
    notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  })
}

function authorityExtensions(pathLength: number): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(usage.keyCertSign | usage.cRLSign, true),
  ]
}

function leafExtensions(extendedUsage: x509.ExtendedKeyUsage): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension([extendedUsage]),
  ]
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
