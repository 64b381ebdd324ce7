import type { OpenRecord, RecordedRequest, RequestLog, Step } from './request-log.ts'

/** How a connection to a server-side proxy has turned out. It never holds a token. */
export interface ConnectionReport extends Pick<
  RecordedRequest,
  'reason' | 'principal' | 'userAgent' | 'authType' | 'user' | 'database' | 'cancel'
> {
  /** The instance URI. */
  readonly instance: string
  /**
   * `connected`: PostgreSQL has let the user in, or was handed the request to cancel. `abandoned`: the connection ended before
   * anything was decided.
   */
  readonly outcome: 'connected' | 'refused' | 'faulted' | 'abandoned'
  /** The last step that the connection came to. */
  readonly step: Step
  /** The time from the TCP connection to this outcome. */
  readonly durationMs: number
}

/** Collects the records of one connection, and reports on all of them once. */
export class ConnectionLog {
  readonly #log: RequestLog
  readonly #instance: string
  readonly #report: ((report: ConnectionReport) => void) | undefined
  readonly #startedAt = performance.now()
  readonly #records: OpenRecord[] = []
  #isSettled = false

  constructor(log: RequestLog, instance: string, report: ((report: ConnectionReport) => void) | undefined) {
    this.#log = log
    this.#instance = instance
    this.#report = report
  }

  /** Opens the record of the connection's next step. */
  open(step: Step, known: Partial<RecordedRequest> = {}): OpenRecord {
    const record = this.#log.open(step, { resource: this.#instance, ...known })
    this.#records.push(record)
    return record
  }

  /** Reports at once where the last step has already decided against the connection. */
  settleRefusal(): void {
    const outcome = this.#records.at(-1)?.outcome
    if (outcome === 'refused' || outcome === 'faulted') this.settle()
  }

  /** Reports how the connection stands, by its last step unless the outcome is given. Later calls do nothing. */
  settle(outcome?: 'connected' | 'abandoned'): void {
    const last = this.#records.at(-1)
    if (this.#isSettled || !last) return
    this.#isSettled = true
    if (!this.#report) return
    const { principal, userAgent, authType, user, database, cancel, reason, step } = Object.assign(
      {},
      ...this.#records,
    ) as OpenRecord
    const durationMs = performance.now() - this.#startedAt
    const known = { principal, userAgent, authType, user, database, cancel, reason }
    this.#report({
      ...known,
      instance: this.#instance,
      outcome: outcome ?? outcomeOf(last),
      step,
      durationMs,
    })
  }
}

function outcomeOf({ outcome }: OpenRecord): ConnectionReport['outcome'] {
  return outcome === 'refused' || outcome === 'faulted' ? outcome : 'abandoned'
}
