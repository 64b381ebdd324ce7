import { connect, type Socket } from 'node:net'
import { Transform, type Duplex } from 'node:stream'
import {
  CLOUD_PLATFORM_SCOPE,
  hasScope,
  isExpired,
  LOGIN_SCOPE,
  type AccessToken,
  type AccessTokens,
} from './access-tokens.ts'
import { EndOfStreamError } from './byte-reader.ts'
import type { ConnectionLog } from './connection-log.ts'
import { refuseLogin } from './database-login.ts'
import type { AnswerFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import type { Faults } from './faults.ts'
import type { Iam } from './iam.ts'
import type { Instance } from './instance.ts'
import {
  encodeExchangeError,
  EXCHANGE_OK,
  readExchangeRequest,
  type ExchangeRequest,
} from './metadata-exchange.ts'
import { authenticate } from './postgres-authentication.ts'
import { iamPassword } from './postgres-target.ts'
import {
  asReadOnly,
  AUTHENTICATION_OK,
  encodeFatal,
  readFirstMessage,
  type FirstMessage,
} from './postgres-wire.ts'
import type { ClientConnection } from './server-side-proxy.ts'
import { delay, endWith } from './sockets.ts'
import { watchLogin } from './watch-login.ts'

const EXCHANGE_LIMIT_MS = 30_000
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
  token: AccessToken
}

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
      const admitted = await this.#exchange()
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
    const limit = setTimeout(() => socket.destroy(), EXCHANGE_LIMIT_MS).unref()
    let request: ExchangeRequest
    try {
      request = await readExchangeRequest(socket)
    } catch (error) {
      record.outcome = 'refused'
      record.reason = error instanceof Error ? error.message : String(error)
      if (error instanceof EndOfStreamError) socket.destroySoon()
      else endWith(socket, encodeExchangeError(record.reason))
      return undefined
    } finally {
      clearTimeout(limit)
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
    if (fault?.stall) return true
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

  #verifyToken(value: string): { token?: AccessToken; refusal?: string } {
    const { iam, tokens } = this.#services
    const token = tokens.find(value)
    if (!value) return { refusal: 'The metadata exchange request has no OAuth 2.0 token.' }
    if (!token || !iam.has(token.principal)) return { refusal: 'The OAuth 2.0 token is invalid.' }
    if (isExpired(token)) return { token, refusal: 'The OAuth 2.0 token has expired.' }
    if (!hasScope(token, LOGIN_SCOPE, CLOUD_PLATFORM_SCOPE)) {
      return {
        token,
        refusal: `The OAuth 2.0 token has neither the scope ${LOGIN_SCOPE} nor ${CLOUD_PLATFORM_SCOPE}.`,
      }
    }
    if (!iam.allows(token.principal, 'alloydb.instances.connect')) {
      return {
        token,
        refusal: `${token.principal} does not have the permission alloydb.instances.connect on ${this.#instance.uri}.`,
      }
    }
    return { token }
  }

  async #startSession({ authType, token }: Admitted): Promise<void> {
    const { socket } = this.#client
    let message = await readFirstMessage(socket)
    while (message.kind === 'encryption') {
      // The connection is encrypted already.
      socket.write('N')
      message = await readFirstMessage(socket)
    }
    const record = this.#services.log.open('postgres', {
      principal: token.principal,
      ...describe(message),
    })
    const fault = this.#services.faults.take('postgres', this.#instance.uri)
    await delay(fault?.delayMs)
    if (await this.#isOverBy(fault, fault?.fail && encodeFatal(fault.fail), fault?.chunkBytes)) {
      record.outcome = 'faulted'
      return
    }
    if (message.kind === 'startup') {
      const user = message.parameters.get('user') ?? ''
      const refusal = await this.#refuse({ authType, token, user })
      if (refusal) {
        Object.assign(record, { outcome: 'refused', reason: refusal.detail ?? refusal.message })
        endWith(socket, encodeFatal(refusal))
        return
      }
    }
    record.outcome = 'served'
    const isReadPool = this.#instance.instanceType === 'READ_POOL'
    const upstream = this.#connect(
      isReadPool && message.kind === 'startup' ? asReadOnly(message) : message.raw,
    )
    const { log } = this.#services
    if (message.kind === 'cancel') log.settle('connected')
    else {
      if (authType === 'AUTO_IAM') await this.#logIn(upstream, message.parameters.get('user') ?? '')
      watchLogin(upstream, ({ refusal, backend }) => {
        if (backend !== undefined) this.#enlist(backend, upstream)
        if (refusal === undefined) log.settle('connected')
        else {
          Object.assign(record, { outcome: 'refused', reason: refusal })
          log.settle()
        }
      })
    }
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

  async #refuse(login: Admitted & { user: string }): ReturnType<typeof refuseLogin> {
    if (this.#instance.isPostgresStarting)
      return { code: '57P03', message: 'the database system is starting up' }
    try {
      return await refuseLogin(login, this.#instance, this.#services.iam)
    } catch (error) {
      return unavailable(error)
    }
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

function describe(message: Exclude<FirstMessage, { kind: 'encryption' }>): Record<string, unknown> {
  if (message.kind === 'cancel') return { cancel: true }
  const user = message.parameters.get('user')
  return { user, database: message.parameters.get('database') ?? user }
}

function unavailable(error: unknown): { code: string; message: string; detail: string } {
  return {
    code: '57P03',
    message: "the emulator's PostgreSQL is not available",
    detail: error instanceof Error ? error.message : String(error),
  }
}

/** Writes in pieces, each in a TLS record of its own, and returns the last piece for the caller to write. */
async function writeAllButLast(
  stream: Duplex,
  bytes: Uint8Array,
  chunkBytes = bytes.length,
): Promise<Uint8Array> {
  let offset = 0
  for (; offset + chunkBytes < bytes.length && !stream.destroyed; offset += chunkBytes) {
    await new Promise((resolve) => stream.write(bytes.subarray(offset, offset + chunkBytes), resolve))
  }
  return bytes.subarray(offset)
}

function slices(bytes: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let offset = 0; offset < chunk.length; offset += bytes) {
        this.push(chunk.subarray(offset, offset + bytes))
      }
      done()
    },
  })
}
