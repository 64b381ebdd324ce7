import type { Step } from './request-log.ts'

/** What every fault may say. The same shape is taken as JSON by `POST /emulator/faults`. */
export interface FaultOptions {
  /** How many requests it meets before it is over. Defaults to all, until it is removed. */
  times?: number | undefined
  /** How long it holds, from when it is added. Defaults to no end. */
  forMs?: number | undefined
  /** The instance URI it is for; for the step `certificate`, its cluster counts. Defaults to all. */
  instance?: string | undefined
  /** Waits before anything else is done. Defaults to 0. */
  delayMs?: number | undefined
}

/** How a connection is cut: in order, or reset. */
export type Cut = 'FIN' | 'RST'

/** Bytes to send: a text as UTF-8, bytes as they are, or what JSON can say of them. */
export type Bytes = string | Uint8Array | { readonly base64: string }

/** A point in time; as text, in the format of RFC 3339: `2026-01-31T12:00:00Z`. */
export type Time = Date | string

/** Fields that replace those of a response. `null`, or `undefined` in JavaScript, removes one. */
export type Replacement = Readonly<Record<string, unknown>>

/** What may go wrong with the answer of any step. */
export interface AnswerFault extends FaultOptions {
  /** Takes the request and never answers. */
  stall?: boolean | undefined
  /** Cuts the connection instead of an answer. */
  close?: Cut | undefined
  /** Answers with these bytes; `true` for some that nobody expects there. */
  garbage?: boolean | Bytes | undefined
}

/** What may go wrong with an HTTP response. Garbage comes with the status 200, as from a captive portal. */
export interface HttpFault extends AnswerFault {
  /** Answers with an error of the shape that the endpoint's errors have. */
  fail?: HttpFailure | undefined
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
  /**
   * Admin API: the `metadata` of the ErrorInfo. Defaults to what the service says where the reason is `IAM_PERMISSION_DENIED` or
   * `SERVICE_DISABLED`, and to none elsewhere.
   */
  metadata?: Readonly<Record<string, string>> | undefined
  /** The `Retry-After` header, and the `google.rpc.RetryInfo` of a Google API's error. */
  retryAfterSeconds?: number | undefined
}

/** The token endpoint fails, or issues tokens that are of no use. */
export interface TokenFault extends Omit<HttpFault, 'instance'> {
  step: 'token'
  instance?: never
  /** The lifetime of the token; one that is not above 0 has expired already. */
  lifetimeMs?: number | undefined
  /** Fields that replace those of the response. */
  replace?: Replacement | undefined
}

/** The Admin API's `connectionInfo` fails, or lies. */
export interface ConnectionInfoFault extends HttpFault {
  step: 'connectionInfo'
  /** Fields that replace those of the response. */
  replace?: Replacement | undefined
}

/** The Admin API's `generateClientCertificate` fails, or issues certificates that are of no use. */
export interface CertificateFault extends HttpFault {
  step: 'certificate'
  /** When the certificate begins to be valid, in the future too; milliseconds are dropped. */
  notBefore?: Time | undefined
  /** When the certificate expires, in the past too; milliseconds are dropped. */
  notAfter?: Time | undefined
  /** The lifetime of the certificate, if `notAfter` says nothing else; one that is not above 0 has expired already. */
  lifetimeMs?: number | undefined
  /** Has the certificate signed by an authority that the server-side proxy does not trust. */
  untrusted?: boolean | undefined
  /** Fields that replace those of the response. */
  replace?: Replacement | undefined
}

/** The server-side proxy accepts the connection, and no more. Garbage is sent at once. */
export interface TcpFault extends AnswerFault {
  step: 'tcp'
}

/**
 * The TLS handshake fails. A stall comes in the middle of the server's first words; garbage, in their place; a close, when
 * the handshake is complete and before anything is read.
 */
export interface TlsFault extends AnswerFault {
  step: 'tls'
  /** Answers the client's first words with a fatal alert. */
  fail?: TlsFailure | undefined
  /** Sends all that the server sends in pieces of so many bytes, which fall anywhere in TLS's records. */
  chunkBytes?: number | undefined
  /**
   * Presents a certificate that a client must refuse: one of another cluster's authority, one for other addresses,
   * one that has expired, or one that is not valid yet.
   */
  serverCertificate?: 'wrong-authority' | 'wrong-address' | 'expired' | 'not-yet-valid' | undefined
  /** Speaks nothing newer than TLS 1.2. */
  maxVersion?: 'TLSv1.2' | undefined
}

/** A fatal alert of TLS. */
export interface TlsFailure {
  alert: TlsAlert
}

/** An alert's name, as RFC 8446 has it. */
export type TlsAlert =
  | 'handshake_failure'
  | 'access_denied'
  | 'protocol_version'
  | 'internal_error'
  | 'unrecognized_name'

/** The metadata exchange fails. The request has been read when it does. */
export interface ExchangeFault extends AnswerFault {
  step: 'exchange'
  /** Answers with the response code ERROR and this text. */
  fail?: { message: string } | undefined
  /** Sends the response in pieces of so many bytes, each in a TLS record of its own. */
  chunkBytes?: number | undefined
  /**
   * Sends OK and, in the same TLS record, the error of a PostgreSQL that takes no more connections; then ends the
   * connection. A client must find it among the bytes that follow the response.
   */
  glueWithPostgres?: boolean | undefined
}

/** PostgreSQL fails. The startup message has been read when it does. */
export interface PostgresFault extends AnswerFault {
  step: 'postgres'
  /** Answers with a FATAL error of this SQLSTATE and message. */
  fail?: PostgresFailure | undefined
  /** Sends what PostgreSQL says in pieces of so many bytes, to the end of the session. */
  chunkBytes?: number | undefined
}

/** An error of PostgreSQL. */
export interface PostgresFailure {
  /** SQLSTATE, such as `57P03`. */
  code: string
  message: string
  detail?: string | undefined
  hint?: string | undefined
}

/**
 * Something that goes wrong at one step. The oldest fault that fits a request decides on it alone. Where one asks for several
 * things, a stall comes before a close, that before a failure, and that before garbage.
 */
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
