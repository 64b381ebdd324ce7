import { parseInstanceName } from './instance-name.ts'
import type { Step } from './request-log.ts'

/** What every fault may say. */
export interface FaultOptions {
  /** How many requests it meets before it is gone. Defaults to all, until it is removed. */
  times?: number | undefined
  /** The instance URI it is for; for the step `certificate`, its cluster counts. Defaults to all. */
  instance?: string | undefined
  /** Waits before anything else is done. */
  delayMs?: number | undefined
}

/** How a connection is cut: in order, or reset. */
export type Cut = 'FIN' | 'RST'

/** What may go wrong with an HTTP response. */
export interface HttpFault extends FaultOptions {
  /** Answers with an error of the shape that the endpoint's errors have. */
  fail?: HttpFailure | undefined
  /** Takes the request and never answers. */
  stall?: boolean | undefined
  /** Answers 200 with these bytes; `true` for some HTML, as a captive portal would. */
  garbage?: boolean | string | Uint8Array | undefined
  /** Cuts the connection instead of an answer. */
  close?: Cut | undefined
  /** Sends the response's body in pieces of so many bytes. */
  chunkBytes?: number | undefined
}

/** An error of the Admin API or the token endpoint. */
export interface HttpFailure {
  /** The HTTP status code. */
  status: number
  message?: string | undefined
  /** Admin API: the `reason` of the `google.rpc.ErrorInfo`. Token endpoint: the `error`. */
  reason?: string | undefined
  /** The `Retry-After` header. */
  retryAfterSeconds?: number | undefined
}

/** The token endpoint fails. */
export interface TokenFault extends Omit<HttpFault, 'instance'> {
  step: 'token'
  instance?: never
}

/** The Admin API's `connectionInfo` fails, or lies. */
export interface ConnectionInfoFault extends HttpFault {
  step: 'connectionInfo'
  /** Fields that replace those of the response; `undefined` removes one. */
  replace?: Readonly<Record<string, unknown>> | undefined
}

/** The Admin API's `generateClientCertificate` fails, or issues certificates that are of no use. */
export interface CertificateFault extends HttpFault {
  step: 'certificate'
  /** When the certificate expires, in the past too; milliseconds are dropped. */
  notAfter?: Date | undefined
  /** Has the certificate signed by an authority that the server-side proxy does not trust. */
  untrusted?: boolean | undefined
  /** Fields that replace those of the response; `undefined` removes one. */
  replace?: Readonly<Record<string, unknown>> | undefined
}

/** The server-side proxy accepts the connection, and no more. */
export interface TcpFault extends FaultOptions {
  step: 'tcp'
  /** Says nothing, ever. */
  stall?: boolean | undefined
  /** Cuts the connection at once. */
  close?: Cut | undefined
}

/** The TLS handshake fails. */
export interface TlsFault extends FaultOptions {
  step: 'tls'
  /**
   * Presents a certificate that a client must refuse: one of another cluster's authority, one for other addresses,
   * or one that has expired.
   */
  serverCertificate?: 'wrong-authority' | 'wrong-address' | 'expired' | undefined
  /** Speaks nothing newer than TLS 1.2. */
  maxVersion?: 'TLSv1.2' | undefined
  /** Completes the handshake, then cuts the connection before it reads anything. */
  close?: Cut | undefined
}

/** The metadata exchange fails. The request has been read when it does. */
export interface ExchangeFault extends FaultOptions {
  step: 'exchange'
  /** Reads the request and never answers. */
  stall?: boolean | undefined
  /** Cuts the connection instead of an answer. */
  close?: Cut | undefined
  /** Sends these bytes instead of the response, then ends the connection. */
  respond?: Uint8Array | undefined
  /** Answers with the response code ERROR and this text. */
  errorResponse?: string | undefined
  /** Sends the response in pieces of so many bytes, each in a TLS record of its own. */
  chunkBytes?: number | undefined
  /**
   * Sends OK and, in the same TLS record, the error of a PostgreSQL that takes no more connections; then ends the
   * connection. A client must find it among the bytes that follow the response.
   */
  glueWithPostgres?: boolean | undefined
}

/** PostgreSQL fails. The startup message has been read when it does. */
export interface PostgresFault extends FaultOptions {
  step: 'postgres'
  /** Never answers. */
  stall?: boolean | undefined
  /** Cuts the connection instead of an answer. */
  close?: Cut | undefined
  /** Answers with a FATAL error of this SQLSTATE and message. */
  errorResponse?: { code: string; message: string } | undefined
  /** Sends what PostgreSQL says in pieces of so many bytes. */
  chunkBytes?: number | undefined
}

/** Something that goes wrong at one step. The oldest fault that fits a request decides on it alone. */
export type Fault =
  | TokenFault
  | ConnectionInfoFault
  | CertificateFault
  | TcpFault
  | TlsFault
  | ExchangeFault
  | PostgresFault

/** The fault of a step. */
export type FaultOf<S extends Step> = Extract<Fault, { step: S }>

/** A fault that has been added. */
export interface FaultHandle {
  /** How many requests have met it. */
  readonly hits: number
  /** Takes it away again; whatever it holds up stays held up. */
  remove(): void
}

interface ActiveFault {
  fault: Fault
  cluster: string | undefined
  hits: number
}

/** What is to go wrong. */
export class Faults {
  readonly #active = new Set<ActiveFault>()

  /** Adds a fault, for the requests to come. */
  add(fault: Fault): FaultHandle {
    const cluster = fault.instance === undefined ? undefined : parseInstanceName(fault.instance).cluster
    const active: ActiveFault = { fault, cluster, hits: 0 }
    this.#active.add(active)
    return {
      get hits() {
        return active.hits
      },
      remove: () => void this.#active.delete(active),
    }
  }

  /** Takes all faults away. */
  clear(): void {
    this.#active.clear()
  }

  /** The fault that a request meets, which counts as one of its times. `resource`: an instance or a cluster. */
  take<S extends Step>(step: S, resource?: string): FaultOf<S> | undefined {
    for (const active of this.#active) {
      const { fault, cluster } = active
      if (fault.step !== step) continue
      if (fault.instance !== undefined && fault.instance !== resource && cluster !== resource) continue
      active.hits += 1
      if (active.hits === fault.times) this.#active.delete(active)
      return fault as FaultOf<S>
    }
    return undefined
  }
}
