import type { TLSSocket } from 'node:tls'
import { abortable, abortedError, withDeadline } from './abortable.ts'
import { AdminApi } from './admin-api.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import { ConnectionInfoCaches } from './connection-info-caches.ts'
import {
  checkOptionNames,
  parseAuthType,
  parseIpType,
  parsePositive,
  parseRefreshStrategy,
  type ConnectorOptions,
} from './connector-options.ts'
import { Credentials } from './credentials.ts'
import { dialChannel, timed, type DialEvent } from './diagnostics.ts'
import { dial, type DialSettings } from './dial.ts'
import type { AuthType, ConnectOptions, Dialer, IpType } from './dialer.ts'
import { parseEmulatorHost, parseEndpoint } from './endpoint.ts'
import type { AlloyDBErrorCode } from './error-codes.ts'
import { refreshTimeoutError } from './fetch-connection-info.ts'
import { HandshakeLimiter } from './handshake-limiter.ts'
import { parseInstanceUri, type InstanceUri } from './instance-uri.ts'
import { readKeyPair } from './key-pair.ts'
import { debugLogger, logEvents } from './logger.ts'
import { createTcpConnection } from './open-transport.ts'
import { StaticConnectionInfos } from './static-connection-info.ts'
import { version } from './version.ts'

/** A connect under way. */
interface Dialing {
  readonly instance: string
  readonly abort: AbortController
  readonly done: Promise<unknown>
}

const timeouts: ReadonlySet<AlloyDBErrorCode> = new Set([
  'ALLOYDB_TCP_TIMEOUT',
  'ALLOYDB_TLS_TIMEOUT',
  'ALLOYDB_EXCHANGE_TIMEOUT',
])

/** Failures that new connection info may mend: the address or the CA may have changed, the certificate been revoked. */
const worthRefresh: ReadonlySet<AlloyDBErrorCode> = new Set([
  ...timeouts,
  'ALLOYDB_IP_TYPE_NOT_FOUND',
  'ALLOYDB_TCP_FAILED',
  'ALLOYDB_TLS_FAILED',
  'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
  'ALLOYDB_SERVER_ADDRESS_MISMATCH',
  'ALLOYDB_CLIENT_CERTIFICATE_REJECTED',
  'ALLOYDB_EXCHANGE_CLOSED',
])

/**
 * Connects to AlloyDB instances: it gets short-lived client certificates by IAM, keeps them fresh, and opens verified
 * TLS 1.3 channels that any PostgreSQL driver can use.
 *
 * Make one for a process and share it. It does no I/O before the first connect; with background refresh it makes its
 * key pair right away, off the main thread. Close it when the process is done with it.
 *
 * @throws ALLOYDB_INVALID_OPTION
 */
export class Connector implements Dialer, AsyncDisposable {
  /** How connects log in unless told otherwise. */
  readonly authType: AuthType
  readonly #ipType: IpType
  readonly #refreshTimeoutMs: number
  readonly #maxConcurrentHandshakes: number
  readonly #dialSettings: Omit<DialSettings, 'handshakes'>
  readonly #credentials: Credentials
  readonly #caches: ConnectionInfoCaches
  readonly #handshakes = new Map<string, HandshakeLimiter>()
  readonly #dialings = new Set<Dialing>()
  readonly #stopLogging: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(options: ConnectorOptions = {}) {
    checkOptionNames(options)
    const { env } = process
    const { apiEndpoint, universeDomain = 'googleapis.com', keyPair, staticConnectionInfo } = options
    const emulator = apiEndpoint === undefined ? parseEmulatorHost(env) : undefined
    const endpoint = emulator ?? parseEndpoint(apiEndpoint ?? `alloydb.${universeDomain}`)
    const userAgent = [`alloydb-node-connector/${version}`, options.userAgent].filter(Boolean).join(' ')

    this.#ipType = parseIpType(options.ipType ?? 'PRIVATE')
    this.authType = parseAuthType(options.authType ?? 'PASSWORD')
    this.#refreshTimeoutMs = parsePositive('refreshTimeoutMs', options.refreshTimeoutMs ?? 60_000)
    this.#maxConcurrentHandshakes = parsePositive(
      'maxConcurrentHandshakes',
      options.maxConcurrentHandshakes ?? 16,
    )
    this.#dialSettings = {
      createConnection: options.createConnection ?? createTcpConnection,
      timeoutMs: parsePositive('connectTimeoutMs', options.connectTimeoutMs ?? 30_000),
      userAgent,
    }
    this.#credentials = new Credentials(options, emulator)
    this.#caches = new ConnectionInfoCaches({
      connector: this,
      adminApi: new AdminApi(this.#credentials, { endpoint, userAgent, isEmulator: emulator !== undefined }),
      strategy: parseRefreshStrategy(options.refreshStrategy ?? 'auto', env),
      refreshTimeoutMs: this.#refreshTimeoutMs,
      keyPair: keyPair === undefined ? undefined : readKeyPair(keyPair),
      staticInfos:
        staticConnectionInfo === undefined ? undefined : new StaticConnectionInfos(staticConnectionInfo),
    })
    const logger = options.logger ?? debugLogger()
    this.#stopLogging = logger && logEvents(this, logger)
  }

  /**
   * Opens one channel to an instance: connection info (fetched or kept), TCP, TLS 1.3, metadata exchange.
   *
   * A failure that new connection info may mend makes it refresh, and try once more where that brought something new;
   * no byte of PostgreSQL has been exchanged by then.
   *
   * @param instance the instance URI, `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`
   * @returns the raw TLS socket, ready for PostgreSQL's startup message. It is the caller's: this connector neither
   *   listens to it nor closes it.
   * @throws AlloyDBError of any code; each has a section in docs/errors.md
   */
  async connect(instance: string, options: ConnectOptions = {}): Promise<TLSSocket> {
    const uri = parseInstanceUri(instance)
    const event: DialEvent = {
      connector: this,
      instance: uri.name,
      ipType: options.ipType === undefined ? this.#ipType : parseIpType(options.ipType),
      authType: options.authType === undefined ? this.authType : parseAuthType(options.authType),
      phases: {},
      attempts: 1,
    }
    if (this.#closed !== undefined) throw closedError(uri.name)

    const { signal } = options
    const abort = new AbortController()
    const onAbort = (): void => {
      if (signal !== undefined) abort.abort(abortedError(uri.name, signal))
    }
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })

    const done = dialChannel.tracePromise(
      () => this.#dial(uri, event, abort.signal),
      event,
    ) as Promise<TLSSocket>
    const dialing: Dialing = { instance: uri.name, abort, done }
    this.#dialings.add(dialing)
    try {
      return await done
    } finally {
      this.#dialings.delete(dialing)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Tells the database user that IAM login uses: that of the service account or the user of the credentials.
   *
   * @throws ALLOYDB_IAM_USER_UNKNOWN where the credentials do not tell
   */
  getIamUser(): Promise<string> {
    return this.#credentials.iamUser()
  }

  /**
   * Ends all refreshes and aborts the connects under way. Sockets that were handed over stay open: they are their
   * drivers'. May be called at any time, and again; later connects fail with ALLOYDB_CONNECTOR_CLOSED.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const dialings = [...this.#dialings]
    for (const { abort, instance } of dialings) abort.abort(closedError(instance))
    await this.#caches.close(closedError)
    await Promise.allSettled(dialings.map(({ done }) => done))
    this.#stopLogging?.()
  }

  async #dial(instance: InstanceUri, event: DialEvent, signal: AbortSignal): Promise<TLSSocket> {
    signal.throwIfAborted()
    const cache = this.#caches.open(instance)
    const settings = { ...this.#dialSettings, handshakes: this.#openHandshakes(instance) }
    const [info, token] = await timed(event.phases, 'connectionInfo', () =>
      this.#prepare(cache, instance, signal),
    )
    try {
      return await dial(info, token, settings, event, signal)
    } catch (error) {
      if (signal.aborted || !AlloyDBError.is(error) || !worthRefresh.has(error.code)) throw error
      const renewing = cache.replace(info)
      // After a timeout the refresh is for the next connect: this caller has waited long enough.
      if (timeouts.has(error.code)) throw error
      const renewed = await abortable(renewing, signal)
      if (renewed === undefined) throw error
      event.attempts += 1
      return dial(renewed, token, settings, event, signal)
    }
  }

  /** Waits for connection info and login token. */
  #prepare(
    cache: ConnectionInfoCache,
    instance: InstanceUri,
    signal: AbortSignal,
  ): Promise<[ConnectionInfo, string]> {
    const timeoutMs = this.#refreshTimeoutMs
    const error = (): AlloyDBError => refreshTimeoutError(instance, timeoutMs)
    return withDeadline(signal, { timeoutMs, error, keepsAlive: true }, () =>
      Promise.all([cache.get(), this.#credentials.loginToken()]),
    )
  }

  /** Each instance has a limit of its own, so that one that hangs does not hold up the others. */
  #openHandshakes(instance: InstanceUri): HandshakeLimiter {
    const known = this.#handshakes.get(instance.name)
    if (known !== undefined) return known
    const limiter = new HandshakeLimiter(this.#maxConcurrentHandshakes)
    this.#handshakes.set(instance.name, limiter)
    return limiter
  }
}

function closedError(instance: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CONNECTOR_CLOSED',
    `The connector is closed; it was to connect to instance "${instance}".`,
    {
      instance,
      hint: 'Make a new Connector, or close this one after the last connect: end the pools first.',
    },
  )
}
