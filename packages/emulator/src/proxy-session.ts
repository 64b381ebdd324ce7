import { connect, type Socket } from 'node:net'
import type { AccessToken, AccessTokens } from './access-tokens.ts'
import { EndOfStreamError } from './byte-reader.ts'
import { METADATA_EXCHANGE } from './certificate-authority.ts'
import type { UserKind } from './cluster.ts'
import type { ConnectionLog } from './connection-log.ts'
import { refuseLogin } from './database-login.ts'
import type { AnswerFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import type { Faults } from './faults.ts'
import type { Iam } from './iam.ts'
import type { Instance } from './instance.ts'
import { readLoginToken, type LoginToken } from './login-token.ts'
import {
  encodeExchangeError,
  EXCHANGE_OK,
  readExchangeRequest,
  type ExchangeRequest,
} from './metadata-exchange.ts'
import { slices, writeAllButLast } from './pieces.ts'
import { authenticate } from './postgres-authentication.ts'
import { iamPassword, SUPERUSER } from './postgres-target.ts'
import {
  asReadOnly,
  askForPassword,
  AUTHENTICATION_OK,
  encodeFatal,
  readOpeningMessage,
  type OpeningMessage,
  type PostgresErrorFields,
} from './postgres-wire.ts'
import type { ClientConnection } from './server-side-proxy.ts'
import { delay, endWith, stall } from './sockets.ts'
import { watchLogin } from './watch-login.ts'

const EXCHANGE_LIMIT_MS = 30_000
/** PostgreSQL's own default, authentication_timeout. */
const AUTHENTICATION_LIMIT_MS = 60_000
/** Neither an answer of the exchange nor one of PostgreSQL. */
const GARBAGE = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'

interface Services {
  iam: Iam
  tokens: AccessTokens
  faults: Faults
  log: ConnectionLog
}

interface Admitted {
  authType: ExchangeRequest['authType']
  /** None where there was no exchange. */
  token: AccessToken | undefined
}

/** What a client is that is not to speak the exchange: nobody, until its login says who. */
const UNKNOWN: Admitted = { authType: 'UNSPECIFIED', token: undefined }

/** Serves one client from the metadata exchange on, up to the end of its PostgreSQL session. */
export class ProxySession {
  readonly #client: ClientConnection
  readonly #instance: Instance
  readonly #services: Services

  constructor(client: ClientConnection, instance: Instance, services: Services) {
    this.#client = client
    this.#instance = instance
    this.#services = services
  }

  async run(): Promise<void> {
    const { socket } = this.#client
    try {
      // Whether there is an exchange has been agreed when the certificate was issued.
      const isExpected = socket.getPeerCertificate().subject.OU === METADATA_EXCHANGE
      const admitted = isExpected ? await this.#exchange() : UNKNOWN
      if (admitted) await this.#startSession(admitted)
    } catch (error) {
      if (!(error instanceof EndOfStreamError) && !socket.destroyed) {
        const message = error instanceof Error ? error.message : String(error)
        endWith(socket, encodeFatal({ code: '08P01', message }))
      } else {
        socket.destroySoon()
      }
    } finally {
      this.#services.log.settleRefusal()
    }
  }

  /** Reads the request and answers it. Returns nothing where the connection is over, or held up for good. */
  async #exchange(): Promise<Admitted | undefined> {
    const { faults, log } = this.#services
    const { socket } = this.#client
    const record = log.open('exchange')
    let request: ExchangeRequest
    try {
      request = await this.#within(EXCHANGE_LIMIT_MS, readExchangeRequest(socket))
    } catch (error) {
      record.outcome = 'refused'
      record.reason = error instanceof Error ? error.message : String(error)
      if (error instanceof EndOfStreamError) socket.destroySoon()
      else endWith(socket, encodeExchangeError(record.reason))
      return undefined
    }
    Object.assign(record, { userAgent: request.userAgent, authType: request.authType })

    const fault = faults.take('exchange', this.#instance.uri)
    await delay(fault?.delayMs)
    const failure = fault?.fail && encodeExchangeError(fault.fail.message)
    if (await this.#isOverBy(fault, failure, fault?.chunkBytes)) {
      record.outcome = 'faulted'
      return undefined
    }

    const { token, refusal } = this.#verifyToken(request.oauth2Token)
    Object.assign(record, { principal: token?.principal, scopes: token?.scopes })
    if (!token || refusal) {
      Object.assign(record, { outcome: 'refused', reason: refusal })
      const response = encodeExchangeError(refusal ?? '')
      endWith(socket, await writeAllButLast(socket, response, fault?.chunkBytes))
      return undefined
    }
    if (fault?.glueWithPostgres) {
      record.outcome = 'faulted'
      const error = encodeFatal({ code: '53300', message: 'sorry, too many clients already' })
      const response = Buffer.concat([EXCHANGE_OK, error])
      endWith(socket, await writeAllButLast(socket, response, fault.chunkBytes))
      return undefined
    }
    record.outcome = 'served'
    socket.write(await writeAllButLast(socket, EXCHANGE_OK, fault?.chunkBytes))
    return { authType: request.authType, token }
  }

  /** Brings about a fault that replaces the whole answer. Tells whether it did. */
  async #isOverBy(
    fault: AnswerFault | undefined,
    failure: Buffer | undefined,
    chunkBytes: number | undefined,
  ): Promise<boolean> {
    if (fault?.stall) {
      stall(this.#client.socket)
      return true
    }
    if (fault?.close) {
      this.#client.cut(fault.close)
      return true
    }
    const garbage = fault?.garbage === true ? GARBAGE : fault?.garbage
    const answer = failure ?? (garbage ? bytesOf(garbage) : undefined)
    if (!answer) return false
    const { socket } = this.#client
    endWith(socket, await writeAllButLast(socket, answer, chunkBytes))
    return true
  }

  #verifyToken(value: string): LoginToken {
    if (!value) return { refusal: 'The metadata exchange request has no OAuth 2.0 token.' }
    const { iam } = this.#services
    const { token, refusal } = readLoginToken(value, this.#services)
    if (!token || refusal !== undefined) return { token, refusal }
    if (iam.allows(token.principal, 'alloydb.instances.connect')) return { token }
    return {
      token,
      refusal: `${token.principal} does not have the permission alloydb.instances.connect on ${this.#instance.uri}.`,
    }
  }

  async #startSession({ authType, token }: Admitted): Promise<void> {
    const { socket } = this.#client
    const message = await this.#within(AUTHENTICATION_LIMIT_MS, readOpeningMessage(socket))
    const record = this.#services.log.open('postgres', {
      principal: token?.principal,
      ...describe(message),
    })
    const fault = this.#services.faults.take('postgres', this.#instance.uri)
    await delay(fault?.delayMs)
    if (await this.#isOverBy(fault, fault?.fail && encodeFatal(fault.fail), fault?.chunkBytes)) {
      record.outcome = 'faulted'
      return
    }
    const user = (message.kind === 'startup' && message.parameters.get('user')) || ''
    let isIamUser = false
    if (message.kind === 'startup') {
      const askForToken = async (): Promise<LoginToken> => {
        const found = readLoginToken(
          await this.#within(AUTHENTICATION_LIMIT_MS, askForPassword(socket)),
          this.#services,
        )
        record.principal = found.token?.principal
        return found
      }
      const kind = await this.#kindOfUser(user)
      const refusal =
        typeof kind === 'object'
          ? kind
          : await refuseLogin(
              { authType, token, user, kind, askForToken },
              this.#instance,
              this.#services.iam,
            )
      if (refusal) {
        Object.assign(record, { outcome: 'refused', reason: refusal.detail ?? refusal.message })
        endWith(socket, encodeFatal(refusal))
        return
      }
      isIamUser = kind === 'iam'
    }
    record.outcome = 'served'
    const { log } = this.#services
    if (message.kind === 'cancel') {
      this.#cancel(message.raw)
      log.settle('connected')
      return
    }
    const isReadPool = this.#instance.instanceType === 'READ_POOL'
    const upstream = this.#connect(isReadPool ? asReadOnly(message) : message.raw)
    if (isIamUser) await this.#logIn(upstream, user)
    watchLogin(upstream, ({ refusal, backend }) => {
      if (backend !== undefined) this.#enlist(backend, upstream)
      if (refusal === undefined) log.settle('connected')
      else {
        Object.assign(record, { outcome: 'refused', reason: refusal })
        log.settle()
      }
    })
    this.#relay(upstream, fault?.chunkBytes)
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

  /** Destroys the connection of a client that takes too long to say something. */
  async #within<T>(limitMs: number, something: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#client.socket.destroy(), limitMs).unref()
    try {
      return await something
    } finally {
      clearTimeout(timer)
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
  #connect(first: Buffer): Socket {
    const { socket } = this.#client
    const upstream = connect({ ...this.#instance.owner.postgres.connection, allowHalfOpen: true })
    upstream.on('error', (error) => {
      if (!upstream.bytesRead) endWith(socket, encodeFatal(unavailable(error)))
    })
    upstream.once('close', () => endWith(socket))
    socket.once('close', () => upstream.destroy())
    upstream.write(first)
    return upstream
  }

  /** Proves to PostgreSQL what the access token has proved to us, where it does not take our word for it. */
  async #logIn(upstream: Socket, user: string): Promise<void> {
    const { postgres } = this.#instance.owner
    if (!postgres.iamPasswords) return
    await authenticate(upstream, { user, password: iamPassword(postgres, user) })
    this.#client.socket.write(AUTHENTICATION_OK)
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
