import { connect, type Socket } from 'node:net'
import type { AccessToken, AccessTokens } from './access-tokens.ts'
import { isOverBy } from './answer-fault.ts'
import type { UserKind } from './cluster.ts'
import type { ConnectionLog } from './connection-log.ts'
import { refuseLogin } from './database-login.ts'
import type { Faults } from './faults.ts'
import type { Iam } from './iam.ts'
import type { Instance } from './instance.ts'
import { readLoginToken, type LoginToken } from './login-token.ts'
import type { ExchangeRequest } from './metadata-exchange.ts'
import { slices } from './pieces.ts'
import { authenticate } from './postgres-authentication.ts'
import { iamPassword, SUPERUSER } from './postgres-target.ts'
import {
  asReadOnly,
  askForPassword,
  AUTHENTICATION_OK,
  encodeFatal,
  readOpeningMessage,
  PostgresError,
  type OpeningMessage,
  type PostgresErrorFields,
} from './postgres-wire.ts'
import type { OpenRecord } from './request-log.ts'
import type { ClientConnection } from './server-side-proxy.ts'
import { delay, endWith, within } from './sockets.ts'
import { watchLogin } from './watch-login.ts'

/** PostgreSQL's own default, authentication_timeout. */
const AUTHENTICATION_LIMIT_MS = 60_000

/** What is known of a client before its session. */
export interface Admitted {
  authType: ExchangeRequest['authType']
  /** None where there was no exchange. */
  token: AccessToken | undefined
}

/** What a client's session works with, from the exchange on. */
export interface SessionServices {
  iam: Iam
  tokens: AccessTokens
  faults: Faults
  log: ConnectionLog
}

/** One client's session with PostgreSQL: who may have one, and the bytes of it from then on. */
export class PostgresSession {
  readonly #client: ClientConnection
  readonly #instance: Instance
  readonly #services: SessionServices
  readonly #admitted: Admitted

  constructor(client: ClientConnection, instance: Instance, services: SessionServices, admitted: Admitted) {
    this.#client = client
    this.#instance = instance
    this.#services = services
    this.#admitted = admitted
  }

  /** Resolves when client and PostgreSQL are joined, or there is to be no session. */
  async run(): Promise<void> {
    const { faults, log } = this.#services
    const message = await within(
      AUTHENTICATION_LIMIT_MS,
      this.#client.socket,
      readOpeningMessage(this.#client.socket),
    )
    const record = log.open('postgres', { principal: this.#admitted.token?.principal, ...describe(message) })
    const fault = faults.take('postgres', this.#instance.uri)
    await delay(fault?.delayMs)
    if (await isOverBy(fault, fault?.fail && encodeFatal(fault.fail), this.#client)) {
      record.outcome = 'faulted'
      return
    }
    if (message.kind === 'cancel') {
      record.outcome = 'served'
      this.#cancel(message.raw)
      log.settle('connected')
      return
    }
    const user = message.parameters.get('user') ?? ''
    const kind = await this.#kindOfUser(user)
    const refusal = typeof kind === 'object' ? kind : await this.#refusalOf(user, kind, record)
    if (refusal) {
      this.#refuse(record, refusal, refusal.detail ?? refusal.message)
      return
    }
    // Whoever went away meanwhile must leave no session behind.
    if (this.#client.socket.destroyed) return
    record.outcome = 'served'
    const isReadPool = this.#instance.instanceType === 'READ_POOL'
    const upstream = this.#connect(isReadPool ? asReadOnly(message) : message.raw, record)
    if (kind === 'iam' && !(await this.#logIn(upstream, user, record))) return
    watchLogin(upstream, ({ refusal: reason, backend }) => {
      if (backend !== undefined) this.#enlist(backend, upstream)
      if (reason === undefined) log.settle('connected')
      else {
        Object.assign(record, { outcome: 'refused', reason })
        log.settle()
      }
    })
    this.#relay(upstream, fault?.chunkBytes)
  }

  /** Decides whether PostgreSQL may see the login, and asks for a token as the password where one is still to come. */
  #refusalOf(user: string, kind: UserKind, record: OpenRecord): Promise<PostgresErrorFields | undefined> {
    const { iam } = this.#services
    const { socket } = this.#client
    const askForToken = async (): Promise<LoginToken> => {
      const password = await within(AUTHENTICATION_LIMIT_MS, socket, askForPassword(socket))
      const found = readLoginToken(password, this.#services)
      record.principal = found.token?.principal
      return found
    }
    return refuseLogin({ ...this.#admitted, user, kind, askForToken }, this.#instance, iam)
  }

  /** Ends the connection with an error, unless it is over already. */
  #refuse(record: OpenRecord, error: PostgresErrorFields, reason: string): void {
    if (this.#client.socket.destroyed) return
    Object.assign(record, { outcome: 'refused', reason })
    endWith(this.#client.socket, encodeFatal(error))
    this.#services.log.settle()
  }

  /** Notes a session's backend, for a restart of PostgreSQL to end it. */
  #enlist(backend: number, upstream: Socket): void {
    const { backends, isPostgresStarting, owner } = this.#instance
    backends.add(backend)
    upstream.once('close', () => backends.delete(backend))
    // It came in just before the restart began.
    if (isPostgresStarting) owner.terminate([backend]).catch(() => upstream.destroy())
  }

  /** Looks the user up, or returns the error to answer with. */
  async #kindOfUser(name: string): Promise<UserKind | PostgresErrorFields> {
    if (this.#instance.isPostgresStarting) {
      return { code: '57P03', message: 'the database system is starting up' }
    }
    try {
      return name === SUPERUSER ? 'none' : await this.#instance.owner.kindOfUser(name)
    } catch (error) {
      return unavailable(error)
    }
  }

  /** Hands PostgreSQL a request to cancel, which it does not answer; the client need not wait for the end of it. */
  #cancel(request: Buffer): void {
    const upstream = connect(this.#instance.owner.postgres.connection)
    upstream.on('error', () => {})
    upstream.once('close', () => endWith(this.#client.socket))
    upstream.resume().end(request)
  }

  /** Connects to PostgreSQL. When either side closes, the other one does, too. */
  #connect(first: Buffer, record: OpenRecord): Socket {
    const { socket } = this.#client
    const upstream = connect({ ...this.#instance.owner.postgres.connection, allowHalfOpen: true })
    upstream.on('error', (error) => {
      if (!upstream.bytesRead) this.#refuse(record, unavailable(error), error.message)
    })
    upstream.once('close', () => endWith(socket))
    socket.once('close', () => upstream.destroy())
    upstream.write(first)
    return upstream
  }

  /**
   * Proves to PostgreSQL what the access token has proved to us, where it does not take our word for it. Where it refuses all the
   * same, its own words are the answer. Tells whether the session goes on.
   */
  async #logIn(upstream: Socket, user: string, record: OpenRecord): Promise<boolean> {
    const { postgres } = this.#instance.owner
    if (!postgres.iamPasswords) return true
    try {
      await authenticate(upstream, { user, password: iamPassword(postgres, user) })
    } catch (error) {
      if (error instanceof PostgresError) this.#refuse(record, error, `${error.message} (${error.code})`)
      else this.#refuse(record, unavailable(error), error instanceof Error ? error.message : String(error))
      return false
    }
    this.#client.socket.write(AUTHENTICATION_OK)
    return true
  }

  /** Joins the client and PostgreSQL: an end of either side passes on. */
  #relay(upstream: Socket, chunkBytes: number | undefined): void {
    const { socket } = this.#client
    socket.pipe(upstream)
    if (chunkBytes) upstream.pipe(slices(chunkBytes)).pipe(socket)
    else upstream.pipe(socket)
  }
}

function describe(message: OpeningMessage): Record<string, unknown> {
  if (message.kind === 'cancel') return { cancel: true }
  const user = message.parameters.get('user')
  return { user, database: message.parameters.get('database') ?? user }
}

function unavailable(error: unknown): PostgresErrorFields {
  return {
    code: '57P03',
    message: "the emulator's PostgreSQL is not available",
    detail: error instanceof Error ? error.message : String(error),
  }
}
