import type { AdminApi } from './admin-api.ts'
import { withDeadline } from './abortable.ts'
import { AlloyDBError } from './alloydb-error.ts'
import { createConnectionInfo, type ConnectionInfo } from './connection-info.ts'
import { refreshChannel, timed, type RefreshEvent } from './diagnostics.ts'
import type { InstanceUri } from './instance-uri.ts'
import type { KeyPair } from './key-pair.ts'

/** What a refresh works with. */
export interface FetchOptions {
  readonly connector: object
  readonly adminApi: AdminApi
  /** Gives the connector's key pair, which is made once. */
  readonly keyPair: () => Promise<KeyPair>
  /** The limit on the whole of it, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * Fetches an instance's connection info: its addresses, and beside it a new client certificate.
 *
 * @throws ALLOYDB_REFRESH_TIMEOUT where it takes too long; the HTTP calls are aborted then, as they are by the signal
 */
export function fetchConnectionInfo(
  instance: InstanceUri,
  { connector, adminApi, keyPair, timeoutMs }: FetchOptions,
  signal: AbortSignal,
): Promise<ConnectionInfo> {
  const event: RefreshEvent = { connector, instance: instance.name, phases: {} }

  const fetch = async (signal: AbortSignal): Promise<ConnectionInfo> => {
    const { phases } = event
    const certifying = timed(phases, 'keyPair', keyPair).then(async (key) => ({
      key,
      certificates: await timed(phases, 'certificate', () =>
        adminApi.generateClientCertificate(instance, key.publicKey, signal),
      ),
    }))
    const locating = timed(phases, 'connectionInfo', () => adminApi.getConnectionInfo(instance, signal))
    const [addresses, { key, certificates }] = await Promise.all([
      // Where the cluster does not exist either, that is what to say. It is the other call that knows.
      locating.catch(async (error: unknown) => {
        if (AlloyDBError.is(error, 'ALLOYDB_INSTANCE_NOT_FOUND')) await certifying
        throw error
      }),
      certifying,
    ])
    const info = createConnectionInfo(instance, addresses, certificates, key.privateKey)
    event.expiresAt = info.expiresAt
    if (info.expiresAt <= Date.now()) throw expiredError(info)
    return info
  }

  const error = (): AlloyDBError => refreshTimeoutError(instance, timeoutMs)
  return refreshChannel.tracePromise(
    () => withDeadline(signal, { timeoutMs, error, keepsAlive: false }, fetch),
    event,
  ) as Promise<ConnectionInfo>
}

/** A refresh, or the wait for one, took too long. */
export function refreshTimeoutError({ name }: InstanceUri, timeoutMs: number): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_REFRESH_TIMEOUT',
    `The refresh of instance "${name}" took longer than ${timeoutMs} ms.`,
    {
      instance: name,
      hint: 'It will be tried again. Check that this machine reaches the AlloyDB Admin API and the token endpoint of its credentials, or raise refreshTimeoutMs.',
    },
  )
}

function expiredError({ instance: { name }, expiresAt }: ConnectionInfo): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED',
    `The client certificate that was just fetched for instance "${name}" expired at ${new Date(expiresAt).toISOString()}.`,
    { instance: name, hint: `Check the clock of this machine: it says ${new Date().toISOString()}.` },
  )
}
