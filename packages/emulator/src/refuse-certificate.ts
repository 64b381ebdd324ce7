import type { TLSSocket } from 'node:tls'

const ABOUT_TIME = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

/** Judges a client's certificate by another clock than this machine's, by which OpenSSL goes. Gives the reason to refuse it. */
export function refuseCertificate(socket: TLSSocket, now: number): string | undefined {
  // A code at run time, whatever its type says.
  const error = socket.authorized ? undefined : String(socket.authorizationError)
  if (error !== undefined && !ABOUT_TIME.includes(error)) return error
  // Not getPeerX509Certificate(), which loses the memory of the chain's other certificates.
  const { valid_from: validFrom, valid_to: validTo } = socket.getPeerCertificate()
  if (!(now <= Date.parse(validTo))) return 'CERT_HAS_EXPIRED'
  return now < Date.parse(validFrom) ? 'CERT_NOT_YET_VALID' : undefined
}
