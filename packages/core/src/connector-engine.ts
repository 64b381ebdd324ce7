import type { TLSSocket } from 'node:tls'
import { abortable, within, withDeadline } from './abortable.ts'
import { AdminApi } from './admin-api.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { ConnectionInfoCaches } from './connection-info-caches.ts'
import type { ConnectorSettings } from './connector-settings.ts'
import { Credentials } from './credentials.ts'
import { iamUserTimeoutError, tokenTimeoutError } from './credentials-error.ts'
import { timed, type DialEvent } from './diagnostics.ts'
import { dial } from './dial.ts'
import { abortedError } from './dial-error.ts'
import type { AlloyDBErrorCode } from './error-codes.ts'
import { refreshTimeoutError } from './fetch-connection-info.ts'
import { HandshakeLimiter } from './handshake-limiter.ts'
import type { InstanceUri } from './instance-uri.ts'
import { createTcpConnection } from './open-transport.ts'
import { StartPacer } from './start-pacer.ts'

/** Failures that new connection info may mend: the address or the CA may have changed, the certificate been revoked. */
const worthRetry: ReadonlySet<AlloyDBErrorCode> = new Set([
  'ALLOYDB_IP_TYPE_NOT_FOUND',
  'ALLOYDB_TCP_FAILED',
  'ALLOYDB_TLS_FAILED',
  'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
  'ALLOYDB_SERVER_ADDRESS_MISMATCH',
  'ALLOYDB_CLIENT_CERTIFICATE_REJECTED',
  'ALLOYDB_EXCHANGE_CLOSED',
])

/** More than handshakes run at once by default, so that there is always one that can begin. */
const startsPerTurn = 16

/**
 * What works behind a connector: credentials, caches and dials. It stands apart from the connector, and with it all
 * that these import, so that an application which imports the connector does not load them before it needs them.
 */
export class ConnectorEngine {
  readonly #settings: ConnectorSettings
  readonly #credentials: Credentials
  readonly #caches: ConnectionInfoCaches
  readonly #starts = new StartPacer(startsPerTurn)
  readonly #handshakes = new Map<string, HandshakeLimiter>()
  readonly #closing = new AbortController()

  constructor(connector: object, settings: ConnectorSettings) {
    const { endpoint, emulator, userAgent, strategy, refreshTimeoutMs, keyPair, staticInstances } = settings
    this.#settings = settings
    // Within the time of a refresh, so that it is the token's failure that is told, and another may be had in what is left.
    this.#credentials = new Credentials(settings.credentials, emulator, Math.ceil(refreshTimeoutMs / 2))
    this.#caches = new ConnectionInfoCaches({
      connector,
      adminApi: new AdminApi(this.#credentials, { endpoint, userAgent, isEmulator: emulator !== undefined }),
      strategy,
      refreshTimeoutMs,
      keyPair,
      staticInstances,
    })
  }

  /** Opens one channel; tries once more where new connection info may mend the failure. */
  async dial(instance: InstanceUri, event: DialEvent, signal: AbortSignal): Promise<TLSSocket> {
    const startedAt = performance.now()
    try {
      return await this.#dial(instance, event, signal)
    } catch (error) {
      if (!AlloyDBError.is(error, 'ALLOYDB_ABORTED')) throw error
      throw abortedError(event, performance.now() - startedAt, error.cause)
    }
  }

  /** Finds the database user of the credentials, within the time of a refresh. */
  iamUser(): Promise<string> {
    const timeoutMs = this.#settings.refreshTimeoutMs
    const error = (): AlloyDBError => iamUserTimeoutError(timeoutMs)
    return withDeadline(this.#closing.signal, { timeoutMs, error, keepsAlive: true }, () =>
      this.#credentials.iamUser(),
    )
  }

  /** Ends all refreshes. */
  close(reason: (instance?: string) => AlloyDBError): Promise<void> {
    this.#closing.abort(reason())
    return this.#caches.close(reason)
  }

  async #dial(instance: InstanceUri, event: DialEvent, signal: AbortSignal): Promise<TLSSocket> {
    await this.#starts.enter()
    signal.throwIfAborted()
    const { connectTimeoutMs, userAgent, createConnection = createTcpConnection } = this.#settings
    const handshakes = this.#openHandshakes(instance)
    const cache = this.#caches.open(instance)
    const tokens = this.#credentials.tokenGeneration
    event.phase = 'connectionInfo'
    const [info, token] = await timed(event.phases, 'connectionInfo', () =>
      this.#prepare(cache, instance, signal),
    )
    // Both attempts, and the refresh between them, have the time of one.
    const deadlineAt = performance.now() + connectTimeoutMs
    const leftMs = (): number => Math.max(0, Math.ceil(deadlineAt - performance.now()))
    const settings = { createConnection, handshakes, timeoutMs: connectTimeoutMs, deadlineAt, userAgent }
    try {
      return await dial(info, token, settings, event, signal)
    } catch (error) {
      if (signal.aborted || !AlloyDBError.is(error)) throw error
      if (error.code === 'ALLOYDB_EXCHANGE_REJECTED') this.#credentials.forgetTokens(tokens)
      const renewing = cache.replace(info)
      // After a timeout, or a clear no, the refresh is for the next connect.
      if (!worthRetry.has(error.code)) {
        renewing.catch(() => {})
        throw error
      }
      const renewed = await abortable(within(renewing, leftMs()), signal)
      if (renewed === undefined || leftMs() < 1) throw error
      event.attempts += 1
      return dial(renewed, token, { ...settings, failedBefore: error }, event, signal)
    }
  }

  /** Waits for connection info and login token. */
  #prepare(
    cache: ConnectionInfoCache,
    instance: InstanceUri,
    signal: AbortSignal,
  ): Promise<[ConnectionInfo, string]> {
    const timeoutMs = this.#settings.refreshTimeoutMs
    const tokens = this.#credentials.tokenGeneration
    let hasToken = false
    const error = (): AlloyDBError => {
      if (hasToken) return refreshTimeoutError(instance, timeoutMs)
      this.#credentials.forgetTokens(tokens)
      return tokenTimeoutError(timeoutMs)
    }
    const getToken = async (): Promise<string> => {
      const token = await this.#credentials.loginToken()
      hasToken = true
      return token
    }
    return withDeadline(signal, { timeoutMs, error, keepsAlive: true }, async () => {
      const [info, token] = await Promise.all([cache.get(), getToken()])
      // The token may have taken its time.
      return [Date.now() < info.expiresAt ? info : await cache.get(), token]
    })
  }

  /** Each instance has a limit of its own, so that one that hangs does not hold up the others. */
  #openHandshakes(instance: InstanceUri): HandshakeLimiter {
    const known = this.#handshakes.get(instance.name)
    if (known !== undefined) return known
    const limiter = new HandshakeLimiter(this.#settings.maxConcurrentHandshakes)
    this.#handshakes.set(instance.name, limiter)
    return limiter
  }
}
