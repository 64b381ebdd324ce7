/** The steps of a connection, in their order. */
export type Step = 'token' | 'connectionInfo' | 'certificate' | 'tcp' | 'tls' | 'exchange' | 'postgres'

/** One step that a client asked the emulator for. It never holds a token or a key. */
export interface RecordedRequest {
  readonly step: Step
  /** When it came, by `Date.now()`. */
  readonly at: number
  /** `pending` until it has been answered; `faulted` where a fault decided what the client got. */
  readonly outcome: 'pending' | 'served' | 'refused' | 'faulted'
  /** Why it was refused. */
  readonly reason?: string | undefined
  /** The instance URI; for the step `certificate`, the cluster. */
  readonly resource?: string | undefined
  /** The e-mail address of the caller, once it is known. */
  readonly principal?: string | undefined
  /** The scopes of the caller's token, or those of the token that was issued. */
  readonly scopes?: readonly string[] | undefined
  /** HTTP steps: the request's headers, without `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** `certificate`: the lifetime that was asked for. */
  readonly certDuration?: string | undefined
  /** `certificate`: whether the client said that it will do the metadata exchange. */
  readonly useMetadataExchange?: boolean | undefined
  /** `tls`: the name that the client asked for (SNI). */
  readonly servername?: string | undefined
  /** `exchange`: the client's user agent. */
  readonly userAgent?: string | undefined
  /** `exchange`: how the client wants to log in. */
  readonly authType?: 'UNSPECIFIED' | 'DB_NATIVE' | 'AUTO_IAM' | undefined
  /** `postgres`: the database user. */
  readonly user?: string | undefined
  /** `postgres`: the database. */
  readonly database?: string | undefined
  /** `postgres`: the connection asks to cancel another one's query. */
  readonly cancel?: boolean | undefined
}

/** A record while its request is being served. */
export type OpenRecord = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] }

const KEPT = 10_000
const DROPPED_AT_ONCE = 1_000

/** What clients asked for, in the order in which it came: the last ten thousand steps at least. */
export class RequestLog {
  readonly #records: OpenRecord[] = []

  get records(): readonly RecordedRequest[] {
    return this.#records
  }

  open(step: Step, known: Partial<RecordedRequest> = {}): OpenRecord {
    const record: OpenRecord = { ...known, step, at: Date.now(), outcome: 'pending' }
    if (this.#records.length === KEPT + DROPPED_AT_ONCE) this.#records.splice(0, DROPPED_AT_ONCE)
    this.#records.push(record)
    return record
  }
}
