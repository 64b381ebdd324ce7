import type { TLSSocket } from 'node:tls'
import { abortable, abortedError, withDeadline } from './abortable.ts'
import { AdminApi } from './admin-api.ts'
import { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import {
  checkOptionNames,
  parseAuthType,
  parseIpType,
  parsePositive,
  parseRefreshStrategy,
  type ConnectorOptions,
} from './connector-options.ts'
import { Credentials } from './credentials.ts'
import { cacheChannel, dialChannel, timed, type CacheEvent, type DialEvent } from './diagnostics.ts'
import { dial, type DialSettings } from './dial.ts'
import type { AuthType, ConnectOptions, Dialer, IpType } from './dialer.ts'
import { parseEmulatorHost, parseEndpoint } from './endpoint.ts'
import type { AlloyDBErrorCode } from './error-codes.ts'
import { fetchConnectionInfo, refreshTimeoutError } from './fetch-connection-info.ts'
import { HandshakeLimiter } from './handshake-limiter.ts'
import { parseInstanceUri, type InstanceUri } from './instance-uri.ts'
import { createKeyPair, readKeyPair, type KeyPair } from './key-pair.ts'
import { LazyCache } from './lazy-cache.ts'
import { debugLogger, logEvents } from './logger.ts'
import { createTcpConnection } from './open-transport.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RefreshAheadCache } from './refresh-ahead-cache.ts'
import { version } from './version.ts'

/** What is kept of each instance that was dialed. */
interface Target {
  readonly cache: ConnectionInfoCache
  readonly settings: DialSettings
}

/** A connect under way. */
interface Dialing {
  readonly instance: string
  readonly abort: AbortController
  readonly done: Promise<unknown>
}

/** At most two refreshes at once for an instance, then one each 30 seconds: as in the peers. */
const refreshBurst = 2
const refreshIntervalMs = 30_000

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
  readonly #strategy: 'background' | 'lazy'
  readonly #dialTimeoutMs: number
  readonly #refreshTimeoutMs: number
  readonly #maxHandshakes: number
  readonly #createConnection: DialSettings['createConnection']
  readonly #userAgent: string
  readonly #credentials: Credentials
  readonly #adminApi: AdminApi
  readonly #targets = new Map<string, Target>()
  readonly #dialings = new Set<Dialing>()
  readonly #stopLogging: (() => void) | undefined
  #keyPair: Promise<KeyPair> | undefined
  #closed: Promise<void> | undefined

  constructor(options: ConnectorOptions = {}) {
    checkOptionNames(options)
    this.#ipType = parseIpType(options.ipType ?? 'PRIVATE')
    this.authType = parseAuthType(options.authType ?? 'PASSWORD')
    this.#strategy = parseRefreshStrategy(options.refreshStrategy ?? 'auto', process.env)
    this.#dialTimeoutMs = parsePositive('connectTimeoutMs', options.connectTimeoutMs ?? 30_000)
    this.#refreshTimeoutMs = parsePositive('refreshTimeoutMs', options.refreshTimeoutMs ?? 60_000)
    this.#maxHandshakes = parsePositive('maxConcurrentHandshakes', options.maxConcurrentHandshakes ?? 16)
    this.#createConnection = options.createConnection ?? createTcpConnection
    this.#userAgent =
      ['alloydb-node-connector', version].join('/') + (options.userAgent ? ` ${options.userAgent}` : '')

    const { apiEndpoint, universeDomain = 'googleapis.com' } = options
    const emulator = apiEndpoint === undefined ? parseEmulatorHost(process.env) : undefined
    const endpoint = emulator ?? parseEndpoint(apiEndpoint ?? `alloydb.${universeDomain}`)
    this.#credentials = new Credentials(options, emulator)
    this.#adminApi = new AdminApi(this.#credentials, {
      endpoint,
      userAgent: this.#userAgent,
      isEmulator: emulator !== undefined,
    })

    if (options.keyPair !== undefined) this.#keyPair = Promise.resolve(readKeyPair(options.keyPair))
    else if (this.#strategy === 'background') this.#openKeyPair().catch(() => {}) // the first refresh tries again
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
    const targets = [...this.#targets]
    this.#targets.clear()
    await Promise.all(
      targets.map(async ([instance, { cache }]) => {
        await cache.close(closedError(instance))
        this.#publish({ connector: this, instance, action: 'remove' })
      }),
    )
    await Promise.allSettled(dialings.map(({ done }) => done))
    await this.#keyPair?.catch(() => {})
    this.#keyPair = undefined
    this.#stopLogging?.()
  }

  async #dial(instance: InstanceUri, event: DialEvent, signal: AbortSignal): Promise<TLSSocket> {
    signal.throwIfAborted()
    const { cache, settings } = this.#openTarget(instance)
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

  #openTarget(instance: InstanceUri): Target {
    const known = this.#targets.get(instance.name)
    if (known !== undefined) return known

    const options = {
      fetch: (signal: AbortSignal) =>
        fetchConnectionInfo(
          instance,
          {
            connector: this,
            adminApi: this.#adminApi,
            keyPair: () => this.#openKeyPair(),
            timeoutMs: this.#refreshTimeoutMs,
          },
          signal,
        ),
      limiter: new RateLimiter(refreshBurst, refreshIntervalMs),
      publish: (action: CacheEvent['action'], delayMs: number) =>
        this.#publish({ connector: this, instance: instance.name, action, delayMs }),
    }
    const target: Target = {
      cache: this.#strategy === 'lazy' ? new LazyCache(options) : new RefreshAheadCache(options),
      settings: {
        createConnection: this.#createConnection,
        handshakes: new HandshakeLimiter(this.#maxHandshakes),
        timeoutMs: this.#dialTimeoutMs,
        userAgent: this.#userAgent,
      },
    }
    this.#targets.set(instance.name, target)
    this.#publish({ connector: this, instance: instance.name, action: 'add' })
    return target
  }

  #openKeyPair(): Promise<KeyPair> {
    this.#keyPair ??= createKeyPair().catch((error: unknown) => {
      this.#keyPair = undefined
      throw error
    })
    return this.#keyPair
  }

  #publish(event: CacheEvent): void {
    if (cacheChannel.hasSubscribers) cacheChannel.publish(event)
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
