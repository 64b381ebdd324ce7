import { isOverBy } from './answer-fault.ts'
import { EndOfStreamError } from './byte-reader.ts'
import { METADATA_EXCHANGE } from './certificate-authority.ts'
import type { Instance } from './instance.ts'
import { readLoginToken, type LoginToken } from './login-token.ts'
import {
  encodeExchangeError,
  EXCHANGE_OK,
  readExchangeRequest,
  type ExchangeRequest,
} from './metadata-exchange.ts'
import { writeAllButLast } from './pieces.ts'
import { PostgresSession, type Admitted, type SessionServices } from './postgres-session.ts'
import { encodeFatal } from './postgres-wire.ts'
import type { ClientConnection } from './server-side-proxy.ts'
import { delay, endWith, within } from './sockets.ts'

const EXCHANGE_LIMIT_MS = 30_000

/** What a client is that is not to speak the exchange: nobody, until its login says who. */
const UNKNOWN: Admitted = { authType: 'UNSPECIFIED', token: undefined }

/** Serves one client from the metadata exchange on. Its PostgreSQL session is {@link PostgresSession}'s. */
export class ProxySession {
  readonly #client: ClientConnection
  readonly #instance: Instance
  readonly #services: SessionServices

  constructor(client: ClientConnection, instance: Instance, services: SessionServices) {
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
      if (admitted) {
        await new PostgresSession(this.#client, this.#instance, this.#services, admitted).run()
      }
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
      request = await within(EXCHANGE_LIMIT_MS, socket, readExchangeRequest(socket))
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
    if (await isOverBy(fault, failure, this.#client)) {
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
}
