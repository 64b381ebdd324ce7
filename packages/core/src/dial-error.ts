import type { ConnectionInfo } from './connection-info.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { DialEvent } from './diagnostics.ts'
import type { AuthType, IpType } from './dialer.ts'
import type { AlloyDBErrorCode } from './error-codes.ts'
import { property } from './property.ts'
import { messageOf } from './message-of.ts'
import { ExchangeError, type ExchangeFailure } from './metadata-exchange.ts'

/** What was dialed, for the errors to name. */
export interface DialTarget {
  readonly instance: string
  readonly host: string
  readonly port: number
  readonly ipType: IpType
  readonly authType: AuthType
}

const adjectives: Readonly<Record<IpType, string>> = {
  PRIVATE: 'private IP address',
  PUBLIC: 'public IP address',
  PSC: 'Private Service Connect name',
}

/** How a route to the address is had, for each IP type. */
const routes: Readonly<Record<IpType, string>> = {
  PRIVATE:
    'ipType PRIVATE needs a route into the VPC of the instance: on Cloud Run, Direct VPC egress or a connector; on a laptop, a VPN, a tunnel, or ipType "PUBLIC".',
  PUBLIC:
    'ipType PUBLIC needs outgoing TCP to port 5433, which firewalls often block. Authorized external networks play no part: they are for those who connect without a connector.',
  PSC: 'ipType PSC needs a Private Service Connect endpoint in this VPC, a firewall that lets port 5433 through, and a DNS record for the name.',
}

const inPhase = {
  tcp: 'while it opened TCP to',
  tls: 'in the TLS handshake with',
  exchange: 'in the metadata exchange with',
} as const

const unreachableHint =
  'check that this machine reaches the AlloyDB Admin API and the token endpoint of its credentials.'

const refusedHint =
  'There is a machine at that address, and nothing answers on that port: the instance may be restarting or under maintenance. Try again; if it stays, check that it is started, and that the address is its own.'

const unresolvedHint =
  'There is no DNS record for that name where this machine asks: make one for the Private Service Connect endpoint in the private DNS zone of this VPC.'

/** What to do where the system's code for the failure says more than that there is no route. */
const tcpHints: Readonly<Record<string, string>> = {
  ECONNREFUSED: refusedHint,
  ECONNRESET: refusedHint,
  ENOTFOUND: unresolvedHint,
  EAI_AGAIN: unresolvedHint,
}

const iamLoginHint =
  'For IAM login, check four things: the principal has roles/alloydb.databaseUser; the instance has the flag alloydb.iam_authentication=on; a database user of its name exists (a service account without ".gserviceaccount.com"); and `user` is that name.'

/** The instance has no address of the wanted type. */
export function missingIpTypeError({ instance, addresses }: ConnectionInfo, ipType: IpType): AlloyDBError {
  const available = Object.keys(addresses.hosts)
  return new AlloyDBError(
    'ALLOYDB_IP_TYPE_NOT_FOUND',
    `Instance "${instance.name}" has no ${adjectives[ipType]}; it has: ${available.join(', ') || 'none'}.`,
    {
      instance: instance.name,
      hint: `Set ipType to ${available.map((type) => `"${type}"`).join(' or ') || 'what it has'}, or enable ${ipType === 'PSC' ? 'Private Service Connect' : `${ipType.toLowerCase()} IP`} on the instance.`,
    },
  )
}

/** What is said of a phase that takes too long. */
function describePhase(
  phase: 'tcp' | 'tls' | 'exchange',
  ipType: IpType,
): { code: AlloyDBErrorCode; name: string; hint: string } {
  switch (phase) {
    case 'tcp':
      return { code: 'ALLOYDB_TCP_TIMEOUT', name: 'TCP', hint: routes[ipType] }
    case 'tls':
      return {
        code: 'ALLOYDB_TLS_TIMEOUT',
        name: 'The TLS handshake',
        hint: 'Something between here and the instance swallows TLS, or the instance is overloaded; where many connect at once, it may have waited for its turn (maxConcurrentHandshakes).',
      }
    case 'exchange':
      return {
        code: 'ALLOYDB_EXCHANGE_TIMEOUT',
        name: 'The metadata exchange',
        hint: 'The instance accepted the connection but did not answer: it may be overloaded or restarting.',
      }
  }
}

/**
 * A phase of the dial ran out of time.
 *
 * @param failedBefore why the attempt before failed, which has used some of it
 */
export function phaseTimeoutError(
  phase: 'tcp' | 'tls' | 'exchange',
  target: DialTarget,
  timeoutMs: number,
  failedBefore: AlloyDBError | undefined,
): AlloyDBError {
  const { instance, host, port, ipType } = target
  const { code, name, hint } = describePhase(phase, ipType)
  const before = failedBefore ? ` The attempt before, in the same time: ${failedBefore.summary}` : ''
  return new AlloyDBError(
    code,
    `${name} to ${at(host, port)} of instance "${instance}" timed out after ${timeoutMs} ms.${before}`,
    { instance, hint, cause: failedBefore },
  )
}

/**
 * The caller aborted the dial, perhaps since the time that a driver has for it was over: how far it had come is all that tells why.
 *
 * @param reason why the caller did
 */
export function abortedError(
  { instance, phase, ipType, address = '', port = 0 }: DialEvent,
  elapsedMs: number,
  reason: unknown,
): AlloyDBError {
  const [where, hint] =
    phase === undefined || phase === 'connectionInfo'
      ? ['while connection info and an access token were fetched', unreachableHint]
      : [`${inPhase[phase]} ${at(address, port)}`, describePhase(phase, ipType).hint]
  return new AlloyDBError(
    'ALLOYDB_ABORTED',
    `The connect to instance "${instance}" was aborted after ${Math.round(elapsedMs)} ms, ${where}.`,
    { instance, hint: `If that took too long: ${hint}`, cause: reason },
  )
}

/** The connection to the server-side proxy could not be opened. */
export function tcpError(error: unknown, { instance, host, port, ipType }: DialTarget): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_TCP_FAILED',
    `TCP to ${at(host, port)} of instance "${instance}" failed: ${reasonOf(error)}.`,
    {
      instance,
      hint: tcpHints[String(property(error, 'code'))] ?? routes[ipType],
      cause: error,
    },
  )
}

/** The TLS handshake failed on this side of it. */
export function tlsError(error: unknown, { instance, host, port }: DialTarget): AlloyDBError {
  const code = property(error, 'code')
  const make = (code: AlloyDBErrorCode, summary: string, hint: string): AlloyDBError =>
    new AlloyDBError(code, summary, { instance, hint, cause: error })

  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = property(property(error, 'cert'), 'subjectaltname')
    return make(
      'ALLOYDB_SERVER_ADDRESS_MISMATCH',
      `The certificate of the server at ${at(host, port)} is not for that address of instance "${instance}"; it is for: ${typeof names === 'string' ? names : 'nothing'}.`,
      'The address may have moved to another instance: try again. If it stays, something between here and the instance answers in its place.',
    )
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return make(
      'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
      `The certificate of the server at ${at(host, port)} of instance "${instance}" is not valid at this time: ${reasonOf(error)}.`,
      `Check the clock of this machine: it says ${new Date().toISOString()}. If that is right, something between here and the instance answers in its place.`,
    )
  }
  if (typeof code === 'string' && certificateFailures.test(code)) {
    return make(
      'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
      `The certificate of the server at ${at(host, port)} is not of the CA of the cluster of instance "${instance}": ${reasonOf(error)}.`,
      'Something between here and the instance may intercept TLS, or the address is of another cluster: check the network path, and that the clock of this machine is right.',
    )
  }
  if (typeof code === 'string' && versionFailures.test(code)) {
    return make(
      'ALLOYDB_TLS_VERSION_UNSUPPORTED',
      `The server at ${at(host, port)} of instance "${instance}" does not speak TLS 1.3: ${reasonOf(error)}.`,
      "AlloyDB's server-side proxy speaks nothing else: something in between answers in its place.",
    )
  }
  // An alert that comes this early is not about the client certificate, which the server has not seen.
  const isTls = code !== 'ERR_SSL_WRONG_VERSION_NUMBER'
  return make(
    'ALLOYDB_TLS_FAILED',
    `The TLS handshake with ${at(host, port)} of instance "${instance}" failed: ${isTls ? reasonOf(error) : 'what answered is not TLS'}.`,
    'Check that port 5433 of that address is the server-side proxy, with nothing in between that ends TLS.',
  )
}

/** The metadata exchange failed: by the server's answer, or by its verdict on the client certificate. */
export function exchangeError(error: unknown, { instance, host, port, authType }: DialTarget): AlloyDBError {
  if (error instanceof ExchangeError) {
    const { code, what, hint } = exchangeFailures[error.failure]
    return new AlloyDBError(
      code,
      `${what} of instance "${instance}" at ${at(host, port)}: ${reasonOf(error)}.`,
      {
        instance,
        hint: error.failure === 'rejected' && authType === 'IAM' ? iamLoginHint : hint,
      },
    )
  }
  // With TLS 1.3 the server judges the client certificate after the client's handshake is over: by an alert.
  const alert = property(error, 'code')
  if (typeof alert === 'string' && certificateAlerts.test(alert)) return rejectedCertificate(error, instance)
  const { code, what, hint } = exchangeFailures.closed
  return new AlloyDBError(
    code,
    `${what} of instance "${instance}" at ${at(host, port)}: ${reasonOf(error)}.`,
    {
      instance,
      hint,
      cause: error,
    },
  )
}

const exchangeFailures: Readonly<
  Record<ExchangeFailure, { code: AlloyDBErrorCode; what: string; hint: string }>
> = {
  closed: {
    code: 'ALLOYDB_EXCHANGE_CLOSED',
    what: 'The connection broke in the metadata exchange',
    hint: 'The instance may be restarting, or have refused the client certificate. Try again; if it stays, check the clock of this machine, and that the principal of the credentials has roles/alloydb.client.',
  },
  rejected: {
    code: 'ALLOYDB_EXCHANGE_REJECTED',
    what: 'The metadata exchange was refused by the server-side proxy',
    hint: 'Check that the principal of the credentials has roles/alloydb.client, and that its token has the scope https://www.googleapis.com/auth/alloydb.login.',
  },
  invalid: {
    code: 'ALLOYDB_EXCHANGE_INVALID',
    what: 'The metadata exchange got an answer that is none from the server',
    hint: 'Check that port 5433 of that address is the server-side proxy, with nothing in between.',
  },
  'postgres-error': {
    code: 'ALLOYDB_EXCHANGE_POSTGRES_ERROR',
    what: 'The metadata exchange was answered by PostgreSQL itself, in place of the server-side proxy',
    hint: 'Check that it is the server-side proxy (port 5433) that is dialed, not PostgreSQL (5432) or its pooler (6432).',
  },
}

function rejectedCertificate(error: unknown, instance: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CLIENT_CERTIFICATE_REJECTED',
    `Instance "${instance}" rejected the client certificate: ${reasonOf(error)}.`,
    {
      instance,
      hint: 'A new one is fetched: try again. If it stays, check the clock of this machine, and that the principal has roles/alloydb.client.',
      cause: error,
    },
  )
}

/** OpenSSL's codes for a server certificate that does not verify. */
const certificateFailures =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|CERTIFICATE_|ERR_TLS_CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_)/
/** OpenSSL's codes for no common TLS version. */
const versionFailures = /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|NO_PROTOCOLS|LEGACY/
/** OpenSSL's codes for the alerts by which a server turns a client certificate down. */
const certificateAlerts = /ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)/

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function reasonOf(error: unknown): string {
  const message = messageOf(error)
  // OpenSSL's messages: "<address>:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:<file>"
  const openssl = /:error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+):/.exec(message)?.[1]
  // Node's advice on the system's authorities, none of which is ever trusted here.
  return (openssl ?? message)
    .replace(/; if the root CA is installed locally.*/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '')
}
