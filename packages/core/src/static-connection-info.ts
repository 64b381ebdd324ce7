import type { CertificateResponse } from './admin-api.ts'
import { AlloyDBError } from './alloydb-error.ts'
import { property } from './property.ts'
import { parseInstanceUri, type InstanceUri } from './instance-uri.ts'
import { readHosts, serverProxyPort, type ServerAddresses } from './server-addresses.ts'

/**
 * Fixed connection info for development, in the JSON form of the other languages' connectors: `privateKey` (PEM), and
 * for each instance URI an object of `ipAddress`, `publicIpAddress`, `pscInstanceConfig.pscDnsName`,
 * `pemCertificateChain` and `caCert`. JSON text, or what it parses to.
 */
export type StaticConnectionInfo = string | object

const expectedForm =
  'Expected {"privateKey": "<PEM>", "<instance URI>": {"ipAddress": "…", "pemCertificateChain": ["…"], "caCert": "…"}}.'

/** What a static file says of one instance. */
export interface StaticInstance {
  readonly instance: InstanceUri
  readonly addresses: ServerAddresses
  readonly certificates: CertificateResponse
  readonly privateKey: string
}

/** What a static file says, by instance URI. */
export type StaticInstances = ReadonlyMap<string, StaticInstance>

/** @throws ALLOYDB_INVALID_OPTION where it has not the expected form */
export function parseStaticConnectionInfo(given: StaticConnectionInfo): StaticInstances {
  const parsed = parse(given)
  const privateKey = property(parsed, 'privateKey')
  if (typeof privateKey !== 'string') throw invalid('it has no "privateKey"')
  const names = Object.keys(parsed).filter((name) => name !== 'privateKey' && name !== 'publicKey')
  return new Map(names.map((name) => [name, read(name, property(parsed, name), privateKey)]))
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

function read(name: string, value: unknown, privateKey: string): StaticInstance {
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
  return { instance, addresses, certificates: { certificateChain, caCertificate }, privateKey }
}

function invalid(problem: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid staticConnectionInfo: ${problem}.`, {
    hint: expectedForm,
  })
}
