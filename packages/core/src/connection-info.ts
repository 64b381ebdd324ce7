import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { CertificateResponse } from './admin-api.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { InstanceUri } from './instance-uri.ts'
import { messageOf } from './message-of.ts'
import type { ServerAddresses } from './server-addresses.ts'

/** All that dialing an instance takes. One is made by each refresh, and shared by every dial until the next. */
export interface ConnectionInfo {
  readonly instance: InstanceUri
  readonly addresses: ServerAddresses
  /** When it was fetched, in milliseconds since the epoch. */
  readonly fetchedAt: number
  /** The client certificate's notAfter, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** TLS 1.3 with the client certificate, trusting the cluster's CA and nothing else. */
  readonly secureContext: SecureContext
}

/**
 * Puts together what a refresh fetched.
 *
 * @throws ALLOYDB_ADMIN_API_INVALID_RESPONSE where the certificates cannot be read or do not fit the key
 */
export function createConnectionInfo(
  instance: InstanceUri,
  addresses: ServerAddresses,
  { certificateChain, caCertificate }: CertificateResponse,
  privateKey: string,
): ConnectionInfo {
  try {
    const chain = certificateChain.map((pem) => `${pem.trim()}\n`).join('')
    const leaf = new X509Certificate(chain) // the first of them
    // Without a certificate here, TLS would trust the system's authorities.
    const ca = new X509Certificate(caCertificate).toString()
    const secureContext = createSecureContext({
      ca,
      cert: chain,
      key: privateKey,
      minVersion: 'TLSv1.3',
    })
    return { instance, addresses, secureContext, fetchedAt: Date.now(), expiresAt: Date.parse(leaf.validTo) }
  } catch (error) {
    throw new AlloyDBError(
      'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
      `The client certificate for instance "${instance.name}" cannot be used: ${messageOf(error)}.`,
      { instance: instance.name, hint: 'It will be fetched anew.' },
    )
  }
}
