import { describe, onTestFinished, test } from 'vitest'
import { failureOf, recordDials, startHarness, type Harness, type RecordingDialer } from './harness.ts'
import { openObserver, type Observer } from './observer.ts'
import type { Ability, OpenOptions, Query, Session, Subject } from './subject.ts'

/** What the tests of one subject share. */
export interface Suite extends Harness {
  readonly subject: Subject
  readonly observer: Observer
  /** The name of a table that no other suite has. */
  readonly table: string
  /** Dials by the connector of the harness. */
  readonly recordDials: () => RecordingDialer
  /** Opens a session, which is ended after the test. */
  readonly open: (options?: Partial<OpenOptions>) => Promise<Session>
  /** Waits for the library to fail, and gives what the driver threw. */
  readonly failureOf: (promise: Promise<unknown>) => Promise<unknown>
  /** A test that is skipped, with the reason in its name, where the subject lacks the ability. */
  readonly testIfAble: (ability: Ability, name: string, body: () => Promise<void>) => void
}

/** Has all tests run in one `describe`, on an emulator of its own. */
export function describeSubject(subject: Subject, addTests: readonly ((suite: Suite) => void)[]): void {
  describe(`${subject.name}`, async () => {
    const harness = await startHarness()
    const { connector, instance, login } = harness
    const suite: Suite = {
      ...harness,
      subject,
      observer: openObserver(),
      table: `conformance_${crypto.randomUUID().slice(0, 8)}`,
      recordDials: () => recordDials((uri, options) => connector.connect(uri, options)),
      async open(options = {}) {
        const session = wrap(
          await subject.open({ dialer: connector, instance, ...login, max: 2, ...options }),
          subject,
        )
        onTestFinished(async () => void (await session.end()))
        return session
      },
      async failureOf(promise) {
        const error = await failureOf(promise)
        return subject.unwrapError === undefined ? error : subject.unwrapError(error)
      },
      testIfAble(ability, name, body) {
        const reason = subject.lacks?.[ability]
        test.skipIf(reason !== undefined)(`${name}${reason === undefined ? '' : ` (${reason})`}`, body)
      },
    }
    for (const add of addTests) add(suite)
  })
}

/** Has the session take parameters as PostgreSQL does, and lets it be ended more than once. */
function wrap(session: Session, { placeholders = '$1' }: Subject): Session {
  const adapt =
    (query: Query): Query =>
    (sql, parameters) =>
      query(placeholders === '?' ? sql.replaceAll(/\$\d+/g, '?') : sql, parameters)
  let ended: Promise<unknown> | undefined
  return {
    query: adapt(session.query),
    transaction: (work) => session.transaction((query) => work(adapt(query))),
    end: () => (ended ??= session.end()),
    ...(session.sockets && { sockets: () => session.sockets?.() ?? [] }),
  }
}
