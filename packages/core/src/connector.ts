import type { TLSSocket } from 'node:tls'
import { AlloyDBError } from './alloydb-error.ts'
import type { ConnectorEngine } from './connector-engine.ts'
import { checkConnectOptions, parseAuthType, parseIpType } from './connector-option-checks.ts'
import type { ConnectorOptions } from './connector-options.ts'
import { resolveSettings, type ConnectorSettings } from './connector-settings.ts'
import { dialChannel, type DialEvent } from './diagnostics.ts'
import type { AuthType, ConnectOptions, Dialer } from './dialer.ts'
import { parseInstanceUri, type InstanceUri } from './instance-uri.ts'
import { debugLogger, logEvents } from './logger.ts'

/** A connect under way. */
interface Dialing {
  readonly instance: string
  readonly abort: AbortController
  readonly done: Promise<unknown>
}

/**
 * Connects to AlloyDB instances: it gets short-lived client certificates by IAM, keeps them fresh, and opens verified
 * TLS 1.3 channels that any PostgreSQL driver can use.
 *
 * Make one for a process and share it. It opens nothing before the first connect; with background refresh it makes its
 * key pair right away, off the main thread. Close it when the process is done with it.
 *
 * @throws ALLOYDB_INVALID_OPTION
 */
export class Connector implements Dialer, AsyncDisposable {
  /** How connects log in unless told otherwise. */
  readonly authType: AuthType
  readonly #settings: ConnectorSettings
  readonly #dialings = new Set<Dialing>()
  readonly #stopLogging: (() => void) | undefined
  /** What all requests share is not to run in the async context of the one that happens to begin it. */
  readonly #inOwnContext = process.getBuiltinModule('node:async_hooks').AsyncLocalStorage.snapshot()
  #engine: Promise<ConnectorEngine> | undefined
  #closed: Promise<void> | undefined

  constructor(options: ConnectorOptions = {}) {
    this.#settings = resolveSettings(options, process.env)
    this.authType = this.#settings.authType
    const logger = options.logger ?? debugLogger()
    this.#stopLogging = logger && logEvents(this, logger)
    // Ahead of the first connect, which finds out by itself if this fails.
    if (this.#settings.strategy === 'background') this.#openEngine().catch(() => {})
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
    checkConnectOptions(options)
    const { ipType, authType } = this.#settings
    const event: DialEvent = {
      connector: this,
      instance: uri.name,
      ipType: options.ipType === undefined ? ipType : parseIpType(options.ipType),
      authType: options.authType === undefined ? authType : parseAuthType(options.authType),
      phases: {},
      attempts: 1,
    }
    if (this.#closed !== undefined) throw closedError(uri.name)

    const { signal } = options
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(abortedError(uri.name, signal?.reason))
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })

    const dialing: Dialing = { instance: uri.name, abort, done: this.#dial(uri, event, abort.signal) }
    this.#dialings.add(dialing)
    try {
      return (await dialing.done) as TLSSocket
    } finally {
      this.#dialings.delete(dialing)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Tells the database user that IAM login uses: that of the service account or the user of the credentials.
   *
   * @throws ALLOYDB_IAM_USER_UNKNOWN where the credentials do not tell; ALLOYDB_CONNECTOR_CLOSED
   */
  async getIamUser(): Promise<string> {
    if (this.#closed !== undefined) throw closedError()
    return (await this.#openEngine()).iamUser()
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
    const engine = await this.#engine?.catch(() => undefined)
    await engine?.close(closedError)
    await Promise.allSettled(dialings.map(({ done }) => done))
    this.#stopLogging?.()
  }

  #dial(instance: InstanceUri, event: DialEvent, signal: AbortSignal): Promise<TLSSocket> {
    return dialChannel.tracePromise(async () => {
      const engine = await this.#openEngine()
      return engine.dial(instance, event, signal)
    }, event) as Promise<TLSSocket>
  }

  #openEngine(): Promise<ConnectorEngine> {
    this.#engine ??= this.#inOwnContext(async () => {
      const { ConnectorEngine } = await import('./connector-engine.ts')
      return new ConnectorEngine(this, this.#settings)
    })
    return this.#engine
  }
}

function abortedError(instance: string, cause: unknown): AlloyDBError {
  return new AlloyDBError('ALLOYDB_ABORTED', `The connect to instance "${instance}" was aborted.`, {
    instance,
    cause,
  })
}

function closedError(instance?: string): AlloyDBError {
  const purpose = instance === undefined ? '' : `; it was to connect to instance "${instance}"`
  return new AlloyDBError('ALLOYDB_CONNECTOR_CLOSED', `The connector is closed${purpose}.`, {
    instance,
    hint: 'Make a new Connector, or close this one after the last connect: end the pools first.',
  })
}
