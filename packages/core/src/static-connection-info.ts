import { AlloyDBError } from './alloydb-error.ts'
import { createConnectionInfo, type ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { property } from './http-failure.ts'
import { parseInstanceUri, type InstanceUri } from './instance-uri.ts'
import { readHosts, serverProxyPort } from './server-addresses.ts'

/**
 * Fixed connection info for development, in the JSON form of the other languages' connectors: `privateKey` (PEM), and
 * for each instance URI an object of `ipAddress`, `publicIpAddress`, `pscInstanceConfig.pscDnsName`,
 * `pemCertificateChain` and `caCert`. JSON text, or what it parses to.
 */
export type StaticConnectionInfo = string | object

const expectedForm =
  'Expected {"privateKey": "<PEM>", "<instance URI>": {"ipAddress": "…", "pemCertificateChain": ["…"], "caCert": "…"}}.'

/** The connection info of each instance of a static file, by instance URI. */
export class StaticConnectionInfos {
  readonly #infos: ReadonlyMap<string, ConnectionInfo>

  /** @throws ALLOYDB_INVALID_OPTION where it has not the expected form */
  constructor(given: StaticConnectionInfo) {
    const parsed = parse(given)
    const privateKey = property(parsed, 'privateKey')
    if (typeof privateKey !== 'string') throw invalid('it has no "privateKey"')
    const names = Object.keys(parsed).filter((name) => name !== 'privateKey' && name !== 'publicKey')
    this.#infos = new Map(names.map((name) => [name, read(name, property(parsed, name), privateKey)]))
  }

  /** @throws ALLOYDB_INSTANCE_NOT_FOUND for an instance that is not in the file */
  open(instance: InstanceUri): ConnectionInfoCache {
    const info = this.#infos.get(instance.name)
    if (info !== undefined) return new StaticCache(info)
    throw new AlloyDBError(
      'ALLOYDB_INSTANCE_NOT_FOUND',
      `staticConnectionInfo has no instance "${instance.name}".`,
      { instance: instance.name, hint: `It has: ${[...this.#infos.keys()].join(', ') || 'none'}.` },
    )
  }
}

class StaticCache implements ConnectionInfoCache {
  readonly #info: ConnectionInfo

  constructor(info: ConnectionInfo) {
    this.#info = info
  }

  async get(): Promise<ConnectionInfo> {
    const { instance, expiresAt } = this.#info
    if (Date.now() < expiresAt) return this.#info
    throw new AlloyDBError(
      'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED',
      `The client certificate in staticConnectionInfo for instance "${instance.name}" expired at ${new Date(expiresAt).toISOString()}.`,
      {
        instance: instance.name,
        hint: 'Make a new one; it is not refreshed. Leave the option out in production.',
      },
    )
  }

  async replace(): Promise<undefined> {}

  async close(): Promise<void> {}
}

function parse(given: StaticConnectionInfo): object {
  if (typeof given !== 'string') return given
  try {
    const parsed: unknown = JSON.parse(given)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // The parser's message would quote the text, which holds a key.
  }
  throw invalid('it is not a JSON object')
}

function read(name: string, value: unknown, privateKey: string): ConnectionInfo {
  const instance = parseInstanceUri(name)
  const certificateChain = property(value, 'pemCertificateChain')
  const caCertificate = property(value, 'caCert')
  const isChain = Array.isArray(certificateChain) && certificateChain.every((pem) => typeof pem === 'string')
  if (!isChain || typeof caCertificate !== 'string') {
    throw invalid(`"${name}" has no "pemCertificateChain" or no "caCert"`)
  }
  const addresses = {
    hosts: readHosts({
      PRIVATE: property(value, 'ipAddress'),
      PUBLIC: property(value, 'publicIpAddress') ?? property(value, 'publicIPAddress'),
      PSC: property(property(value, 'pscInstanceConfig'), 'pscDnsName'),
    }),
    port: serverProxyPort,
  }
  return createConnectionInfo(instance, addresses, { certificateChain, caCertificate }, privateKey)
}

function invalid(problem: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid staticConnectionInfo: ${problem}.`, {
    hint: expectedForm,
  })
}
