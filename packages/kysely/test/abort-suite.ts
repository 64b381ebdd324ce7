import { Kysely, sql } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AlloyDBDialect, type AlloyDBDialectConfig } from '../src/index.ts'
import { countConnectors, failureOf, type Harness } from '@alloydb-tooling/conformance'

const often = { interval: 5, timeout: 5_000 }

/** What Kysely prints of failures that nobody waits for any more. */
function silenceBackgroundFailures(): () => string[] {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  return () => print.mock.calls.map(([message]) => String(message))
}

/** Waits until PostgreSQL is, or is no longer, at a query that contains the text. Other users' are not to be seen. */
async function waitUntil(what: 'runs' | 'is over', text: string, observer: Kysely<unknown>): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await sql`
      select from pg_stat_activity where state = 'active' and position(${text} in query) > 0`.execute(
      observer,
    )
    expect(rows).toHaveLength(what === 'runs' ? 1 : 0)
  }, often)
}

/** Kysely can abort queries from version 0.29 on. */
export function testAbort({ emulator, instance, login, identity, connector }: Harness): void {
  function open(config: Partial<AlloyDBDialectConfig>): Kysely<unknown> {
    const db = new Kysely<unknown>({ dialect: new AlloyDBDialect({ instance, ...config }) })
    onTestFinished(() => db.destroy())
    return db
  }

  describe.each([
    ['a password', { connector, ...login }],
    ['IAM login without a user', { connector, authType: 'IAM', database: login.database }],
  ] as const)('with %s', (how, config) => {
    test('a query is cancelled in PostgreSQL, by a connection beside the pool', async () => {
      const printed = silenceBackgroundFailures()
      const [db, observer] = [open({ ...config, max: 1 }), open(config)]
      const abort = new AbortController()
      const marker = `cancelled with ${how}`
      const failure = failureOf(
        sql`select pg_sleep(60), ${sql.lit(marker)}`.execute(db, {
          signal: abort.signal,
          inflightQueryAbortStrategy: 'cancel query',
        }),
      )
      await waitUntil('runs', marker, observer)
      const reason = new Error('not needed any more')
      abort.abort(reason)
      expect(await failure).toBe(reason)
      await waitUntil('is over', marker, observer)
      expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
      expect(printed()).toEqual([expect.stringContaining('canceling statement due to user request')])
    })

    test('a session is killed, and the process lives', async () => {
      const printed = silenceBackgroundFailures()
      const [db, observer] = [open({ ...config, max: 1 }), open(config)]
      const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`
      const before = (await pid.execute(db)).rows[0]?.pid
      const abort = new AbortController()
      const marker = `killed with ${how}`
      const failure = failureOf(
        sql`select pg_sleep(60), ${sql.lit(marker)}`.execute(db, {
          signal: abort.signal,
          inflightQueryAbortStrategy: 'kill session',
        }),
      )
      await waitUntil('runs', marker, observer)
      abort.abort()
      expect(await failure).toMatchObject({ name: 'AbortError' })
      await waitUntil('is over', marker, observer)
      // PostgreSQL says so before it hangs up: a query in between may get the same connection, and fail with it.
      await vi.waitFor(async () => expect((await pid.execute(db)).rows[0]?.pid).not.toBe(before), often)
      expect(printed()).toEqual([expect.stringContaining('terminating connection')])
    })
  })

  test('a query that is ignored goes on in PostgreSQL, and destroy() waits for it', async () => {
    const counts = countConnectors()
    const [db, observer] = [open({ ...identity, ...login }), open({ connector, ...login })]
    await sql`create table ignored (id int)`.execute(db)
    const abort = new AbortController()
    const query = sql`with waited as (select pg_sleep(0.2)) insert into ignored select 1 from waited`
    const failure = failureOf(query.execute(db, { signal: abort.signal }))
    await waitUntil('runs', 'insert into ignored', observer)
    abort.abort()
    expect(await failure).toMatchObject({ name: 'AbortError' })
    await db.destroy()
    expect(counts.closed).toBe(1)
    expect((await sql`select * from ignored`.execute(observer)).rows).toEqual([{ id: 1 }])
  })

  test('a cancel that cannot connect leaves the query as it is', async () => {
    const printed = silenceBackgroundFailures()
    const [db, observer] = [open({ connector, ...login }), open({ connector, ...login })]
    const abort = new AbortController()
    const failure = failureOf(
      sql`select pg_sleep(0.2), 'cannot cancel'`.execute(db, {
        signal: abort.signal,
        inflightQueryAbortStrategy: 'cancel query',
      }),
    )
    await waitUntil('runs', 'cannot cancel', observer)
    emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
    abort.abort()
    expect(await failure).toMatchObject({ name: 'AbortError' })
    await vi.waitFor(() => expect(printed()).toEqual([expect.stringContaining('not today')]), often)
    await waitUntil('runs', 'cannot cancel', observer)
    await db.destroy()
  })

  test('a query that waits for a dial is given up at once', async () => {
    silenceBackgroundFailures()
    const fault = emulator.faults.add({ step: 'exchange', stall: true })
    const db = open({ connector, ...login, max: 1 })
    const abort = new AbortController()
    const failure = failureOf(sql`select 1`.execute(db, { signal: abort.signal }))
    await vi.waitFor(() => expect(fault.hits).toBe(1), often)
    abort.abort()
    expect(await failure).toMatchObject({ name: 'AbortError' })
    emulator.faults.clear()
    emulator.disconnectAll('RST')
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  })
}
