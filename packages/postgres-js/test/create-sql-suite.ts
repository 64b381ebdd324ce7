import { AlloyDBError, Connector, type Dialer } from '@alloydb/core'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { TLSSocket } from 'node:tls'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSql, type AlloyDBSqlConfig } from '../src/index.ts'
import {
  countConnectors,
  failureOf,
  hang,
  recordDials,
  setEnvironment,
  type Harness,
  type RecordingDialer,
} from '@alloydb-tooling/conformance'

/** What a version of postgres.js cannot do, whatever it connects with. */
export interface Lacks {
  /** It ends the process when a reservation fails to connect. */
  failingReservations?: boolean
  /** It does not learn that the connection of a transaction is lost. */
  lostTransactions?: boolean
}

export function testCreateSql(
  { emulator, instance, login, identity, connector }: Harness,
  lacks: Lacks = {},
): void {
  const iamUser = 'app@emulator.iam'

  /** A pool that is ended after the test. */
  function openSql(config: Omit<AlloyDBSqlConfig, 'instance'>): postgres.Sql {
    const sql = createSql({ instance, onnotice: () => {}, ...config })
    onTestFinished(() => sql.end({ timeout: 1 }))
    return sql
  }

  function recorded(): RecordingDialer {
    return recordDials((uri, options) => connector.connect(uri, options))
  }

  /** Starts a query that runs until something else ends it, and waits until PostgreSQL is at it. */
  async function startEndlessQuery(
    config: Omit<AlloyDBSqlConfig, 'instance'> = {},
  ): Promise<{ sql: postgres.Sql; query: { cancel(): unknown }; failure: Promise<Error> }> {
    const started = Promise.withResolvers<unknown>()
    const sql = openSql({ connector, ...login, onnotice: started.resolve, ...config })
    const query = sql.unsafe(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`)
    const failure = failureOf(query)
    await started.promise
    return { sql, query, failure }
  }

  describe('createSql', () => {
    test('answers simple and parameterised queries', async () => {
      const sql = openSql({ ...identity, ...login })
      expect([...(await sql`select 1 as one`)]).toEqual([{ one: 1 }])
      expect([...(await sql`select ${'a'}::text as a, ${[1, 2]}::int[] as b`)]).toEqual([
        { a: 'a', b: [1, 2] },
      ])
      expect([...(await sql.unsafe('select 1 as a; select 2 as b'))].map((rows) => [...rows])).toEqual([
        [{ a: 1 }],
        [{ b: 2 }],
      ])
    })

    test('parses types, those of the user too', async () => {
      const sql = createSql<{ point: postgres.PostgresType<{ x: number; y: number }> }>({
        instance,
        connector,
        ...login,
        types: {
          point: {
            to: 600,
            from: [600],
            serialize: ({ x, y }) => `(${x},${y})`,
            parse: (raw: string) => {
              const [x = 0, y = 0] = raw.slice(1, -1).split(',').map(Number)
              return { x, y }
            },
          },
        },
      })
      onTestFinished(() => sql.end({ timeout: 1 }))
      const date = new Date('2026-11-01T12:00:00Z')
      const [row] = await sql`
        select ${date}::timestamptz as date, ${sql.json({ a: [1] })}::jsonb as json, true as bool,
               9007199254740993::int8 as big, ${sql.types.point({ x: 1, y: 2 })} as point`
      expect(row).toEqual({
        date,
        json: { a: [1] },
        bool: true,
        big: '9007199254740993',
        point: { x: 1, y: 2 },
      })
    })

    test('leaves the TLS socket to postgres.js alone', async () => {
      const dialer = recorded()
      const listeners = (socket: TLSSocket | undefined, event: string): string[] =>
        (socket?.listeners(event) ?? []).map(({ name }) => name)
      const before = await connector.connect(instance)
      onTestFinished(() => void before.destroy())
      await openSql({ connector: dialer, ...login })`select 1`
      const [socket] = dialer.sockets
      expect(socket).toBeInstanceOf(TLSSocket)
      for (const [event, own] of Object.entries({
        data: ['data'],
        drain: ['drain'],
        error: ['error'],
        close: ['closed'],
        end: [],
        readable: [],
      })) {
        expect({ [event]: listeners(socket, event) }).toEqual({
          [event]: [...listeners(before, event), ...own],
        })
      }
    })

    test('commits, rolls back, and nests transactions', async () => {
      const sql = openSql({ connector, ...login })
      await sql`create temp table if not exists unused ()`
      const table = `transactions_${crypto.randomUUID().slice(0, 8)}`
      await sql`create table ${sql(table)} (id int)`
      await sql.begin(async (sql) => {
        await sql`insert into ${sql(table)} values (1)`
        await failureOf(
          sql.savepoint(async (sql) => {
            await sql`insert into ${sql(table)} values (2)`
            throw new Error('undo')
          }),
        )
      })
      const failure = await failureOf(
        sql.begin(async (sql) => {
          await sql`insert into ${sql(table)} values (3)`
          throw new Error('undo')
        }),
      )
      expect(failure.message).toBe('undo')
      expect([...(await sql`select id from ${sql(table)}`)]).toEqual([{ id: 1 }])
      await sql`drop table ${sql(table)}`
    })

    test.each(['host', 'hostname', 'port', 'path', 'ssl', 'sslnegotiation', 'socket'])(
      'refuses the option %s',
      (name) => {
        expect(() => createSql({ instance, connector, ...login, [name]: 'x' })).toThrow(
          expect.objectContaining({
            code: 'ALLOYDB_INVALID_OPTION',
            message: expect.stringContaining(`"${name}"`) as string,
          }),
        )
      },
    )

    test.each([2_147_484, Infinity])('refuses to wait %d seconds for a connect', (seconds) => {
      const refused = expect.objectContaining({
        code: 'ALLOYDB_INVALID_OPTION',
        summary: `The option "connect_timeout" is longer than a timer can wait: ${seconds} seconds.`,
      })
      expect(() => createSql({ instance, connector, connect_timeout: seconds })).toThrow(refused)
      setEnvironment({ PGCONNECT_TIMEOUT: `${seconds}` })
      expect(() => createSql({ instance, connector })).toThrow(refused)
    })

    test('waits for a connect as long as a timer can', async () => {
      const sql = openSql({ connector, ...login, connect_timeout: 2_147_483 })
      expect((await sql`select 1`).count).toBe(1)
    })

    test('connects by a connection string', async () => {
      const { user, password, database } = login
      const connectionString = `postgres://${user}:${password}@/${database}?application_name=the%20shop`
      const rows = await openSql({ connector, connectionString })`
        select current_user::text as user, current_setting('application_name') as name`
      expect([...rows]).toEqual([{ user, name: 'the shop' }])
    })

    test('refuses a malformed instance URI, a connection string, and no config at all', () => {
      const invalid = expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' })
      expect(() => createSql({ connector, instance: 'my-instance' })).toThrow(invalid)
      for (const config of ['postgres://localhost', undefined]) {
        expect(() => createSql(config as unknown as AlloyDBSqlConfig)).toThrow(invalid)
      }
    })

    test('takes no notice of the environment variables that say where and how to connect', async () => {
      setEnvironment({ PGHOST: '/nowhere,/elsewhere', PGPORT: '1', PGSSL: 'require' })
      const sql = openSql({ connector, ...login })
      expect((await sql`select 1`).count).toBe(1)
      expect(sql.options.host).toEqual(['primary'])
    })

    test('reads user, password and database from the environment, as postgres.js does', async () => {
      setEnvironment({ PGUSER: login.user, PGPASSWORD: login.password, PGDATABASE: login.database })
      const rows = await openSql({ connector })`select current_user, current_database()`
      expect([...rows]).toEqual([{ current_user: 'postgres', current_database: 'postgres' }])
    })

    test("takes postgres.js's other names for user, password and database", async () => {
      const { user: username, password: pass, database: db } = login
      expect((await openSql({ connector, username, pass, db })`select 1`).count).toBe(1)
      expect(() => createSql({ instance, connector, pass, authType: 'IAM' })).toThrow(/"password"/)
    })

    test('reads rows by a cursor', async () => {
      const seen: number[] = []
      const cursor = openSql({ connector, ...login })`select generate_series(1, 5) as i`.cursor(2)
      for await (const rows of cursor) seen.push(...rows.map(({ i }) => i as number))
      expect(seen).toEqual([1, 2, 3, 4, 5])
    })

    test('copies in and out', async () => {
      const sql = openSql({ connector, ...login, max: 1 })
      await sql`create temp table copied (id int, name text)`
      const lines = Array.from({ length: 5_000 }, (_, i) => `${i}\tname ${i}\n`)
      await pipeline(Readable.from(lines), await sql`copy copied from stdin`.writable())
      expect([...(await sql`select count(*)::int, max(id) from copied`)]).toEqual([
        { count: 5_000, max: 4_999 },
      ])
      expect(await text(await sql`copy copied to stdout`.readable())).toBe(lines.join(''))
    })

    test('listens and notifies', async () => {
      const sql = openSql({ connector, ...login })
      const received = Promise.withResolvers<string>()
      const { unlisten } = await sql.listen('news', received.resolve)
      await sql.notify('news', 'hello')
      expect(await received.promise).toBe('hello')
      await unlisten()
    })

    test('listens again after the connection is lost', async () => {
      const sql = openSql({ connector, ...login })
      const received = Promise.withResolvers<string>()
      const listening = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let times = 0
      await sql.listen('more-news', received.resolve, () => listening[times++]?.resolve())
      emulator.disconnectAll('RST')
      await listening[1]?.promise
      await sql.notify('more-news', 'hello again')
      expect(await received.promise).toBe('hello again')
    })

    test('subscribes to changes, again after the connection is lost', async () => {
      const table = `subscribed_${crypto.randomUUID().slice(0, 8)}`
      const publications = `changes_of_${table}`
      const logged = vi.spyOn(console, 'error').mockReturnValue() // postgres.js does
      onTestFinished(() => logged.mockRestore())
      const sql = openSql({ connector, ...login, publications })
      await sql`create table ${sql(table)} (id int primary key)`
      await sql.unsafe(`create publication ${publications} for table ${table}`)
      onTestFinished(async () => {
        const sql = createSql({ instance, connector, ...login })
        await sql.unsafe(`drop publication ${publications}; drop table ${table}`)
        await sql.end()
      })
      const changes: unknown[] = []
      const subscribed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let times = 0
      await sql.subscribe(
        `insert:${table}`,
        (row) => changes.push(row),
        () => subscribed[times++]?.resolve(),
      )
      await sql`insert into ${sql(table)} values (1)`
      await vi.waitFor(() => expect(changes).toEqual([{ id: 1 }]))
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      emulator.disconnectAll('RST')
      await subscribed[1]?.promise
      await sql`insert into ${sql(table)} values (2)`
      await vi.waitFor(() => expect(changes).toEqual([{ id: 1 }, { id: 2 }]))
      await sql.end()
    })

    test('cancels a query', async () => {
      const { sql, query, failure } = await startEndlessQuery()
      query.cancel()
      expect(await failure).toMatchObject({ code: '57014' })
      expect((await sql`select 1`).count).toBe(1)
    })

    test('reserves a connection', async () => {
      const sql = openSql({ connector, ...login })
      await sql`select 1`
      const reserved = await sql.reserve()
      const [first] = await reserved`select pg_backend_pid() as pid`
      const [second] = await reserved`select pg_backend_pid() as pid`
      expect(second).toEqual(first)
      reserved.release()
    })
  })

  describe('createSql with IAM login', () => {
    const whoAndWhere = [{ user: iamUser, database: 'postgres' }]
    const ask = async (sql: postgres.Sql): Promise<unknown[]> => [
      ...(await sql`select current_user as user, current_database() as database`),
    ]

    test('asks the credentials for the user', async () => {
      expect(await ask(openSql({ ...identity, authType: 'IAM', database: 'postgres' }))).toEqual(whoAndWhere)
    })

    test('follows the authType of a shared connector', async () => {
      const shared = new Connector({ ...identity, authType: 'IAM' })
      onTestFinished(() => shared.close())
      expect(await ask(openSql({ connector: shared, database: 'postgres' }))).toEqual(whoAndWhere)
    })

    test('shortens the e-mail of a service account', async () => {
      const user = `${iamUser}.gserviceaccount.com`
      expect(await ask(openSql({ connector, authType: 'IAM', user, database: 'postgres' }))).toEqual(
        whoAndWhere,
      )
    })

    test('is not disturbed by a user or a password in the environment', async () => {
      setEnvironment({ PGUSER: 'postgres', PGUSERNAME: 'postgres', PGPASSWORD: 'wrong' })
      expect(await ask(openSql({ connector, authType: 'IAM', database: 'postgres' }))).toEqual(whoAndWhere)
    })

    test('takes the user as the default database, as postgres.js does', async () => {
      const error = await failureOf(openSql({ connector, authType: 'IAM' })`select 1`)
      expect(error).toMatchObject({ code: '3D000', message: `database "${iamUser}" does not exist` })
      setEnvironment({ PGDATABASE: 'postgres' })
      expect(await ask(openSql({ connector, authType: 'IAM' }))).toEqual(whoAndWhere)
    })

    test('listens too', async () => {
      const sql = openSql({ ...identity, authType: 'IAM', database: 'postgres' })
      const received = Promise.withResolvers<string>()
      await sql.listen('iam-news', received.resolve)
      await sql.notify('iam-news', 'hello')
      expect(await received.promise).toBe('hello')
    })

    test('fails a connect whose user cannot be found, and tries anew afterwards', async () => {
      let isDown = true
      const dialer: Dialer = {
        authType: 'IAM',
        connect: (uri, options) => connector.connect(uri, { ...options, authType: 'IAM' }),
        getIamUser: () =>
          isDown ? Promise.reject(new Error('metadata server unavailable')) : connector.getIamUser(),
      }
      const sql = openSql({ connector: dialer, database: 'postgres', max: 1 })
      expect((await failureOf(sql`select 1`)).message).toBe('metadata server unavailable')
      isDown = false
      expect(await ask(sql)).toEqual(whoAndWhere)
    })

    test('gives up a search for the user that takes longer than connect_timeout', async () => {
      const dialer: Dialer = { authType: 'IAM', connect: hang, getIamUser: () => new Promise(() => {}) }
      const sql = openSql({ connector: dialer, connect_timeout: 0.05 })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    })

    test('says so where the dialer does not tell the user', async () => {
      const sql = openSql({ connector: { authType: 'IAM', connect: hang } })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'ALLOYDB_IAM_USER_UNKNOWN' })
    })

    test('refuses a password', () => {
      expect(() => createSql({ instance, connector, ...login, authType: 'IAM' })).toThrow(
        expect.objectContaining({
          code: 'ALLOYDB_INVALID_OPTION',
          message:
            'The option "password" stands beside IAM login.\nRemove `password`, or set `authType` to "PASSWORD".',
        }),
      )
    })

    test('sends an empty password when PostgreSQL asks for one', async () => {
      setEnvironment({ PGPASSWORD: login.password })
      // A dialer that does not do what it is told: the server takes the login for one by password.
      const dialer: Dialer = {
        connect: (uri, options) => connector.connect(uri, { ...options, authType: 'PASSWORD' }),
      }
      const sql = openSql({ connector: dialer, authType: 'IAM', user: 'postgres', database: 'postgres' })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: '28P01' })
    })
  })

  describe('a dial that fails', () => {
    test("rejects one query with the dialer's own error", async () => {
      const fault = emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      const sql = openSql({ connector, ...login, max: 1 })
      const outcomes = await Promise.allSettled([sql`select 1`, sql`select 2`])
      expect(fault.hits).toBe(1)
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
      const { reason } = outcomes[0] as PromiseRejectedResult
      expect(AlloyDBError.is(reason, 'ALLOYDB_EXCHANGE_REJECTED')).toBe(true)
      expect(reason).toMatchObject({ instance, message: expect.stringContaining('not today') as string })
    })

    test('keeps the cause of the error', async () => {
      emulator.faults.add({ step: 'tcp', close: 'RST', times: 2 })
      const cause = new Error('why')
      const dialer: Dialer = {
        connect: () => Promise.reject(new AlloyDBError('ALLOYDB_TCP_FAILED', 'what', { cause })),
      }
      expect(await failureOf(openSql({ connector: dialer, ...login })`select 1`)).toMatchObject({
        code: 'ALLOYDB_TCP_FAILED',
        cause,
      })
    })

    test('does no harm to later queries, however often it fails', async () => {
      let isDown = true
      const dialer = recordDials((uri, options) =>
        isDown ? Promise.reject(new Error('down')) : connector.connect(uri, options),
      )
      const sql = openSql({ connector: dialer, ...login, max: 2, backoff: () => 0.001 })
      for (let i = 0; i < 7; i += 1) expect((await failureOf(sql`select 1`)).message).toBe('down')
      isDown = false
      expect((await Promise.all([sql`select 1`, sql`select 2`, sql`select 3`])).length).toBe(3)
      expect(dialer.sockets.length).toBe(2)
    })

    test.skipIf(lacks.failingReservations)('is retried no more than once for a reservation', async () => {
      const connect = vi.fn<Dialer['connect']>(() => Promise.reject(new Error('down')))
      const sql = openSql({ connector: { connect }, ...login, backoff: () => 0.001 })
      expect((await failureOf(sql.reserve())).message).toBe('down')
      expect(connect.mock.calls.length).toBeLessThanOrEqual(2)
    })

    test('does not reject for a cancel that nobody waits for', async () => {
      let isDown = false
      const dialed = Promise.withResolvers<void>()
      const dialer = recordDials((uri, options) => {
        if (!isDown) return connector.connect(uri, options)
        dialed.resolve()
        return Promise.reject(new Error('down'))
      })
      const { query, failure } = await startEndlessQuery({ connector: dialer })
      isDown = true
      const cancelled: unknown = query.cancel()
      await dialed.promise
      await cancelled
      isDown = false
      query.cancel() // postgres.js cancels a query once
      dialer.sockets[0]?.destroy()
      expect(await failure).toMatchObject({ code: 'CONNECTION_CLOSED' })
    })
  })

  describe('a dial that hangs', () => {
    test('is aborted after connect_timeout, with the error of postgres.js', async () => {
      const dialer = recordDials(hang)
      const sql = openSql({ connector: dialer, ...login, connect_timeout: 0.2 })
      const startedAt = performance.now()
      expect(await failureOf(sql`select 1`)).toMatchObject({
        code: 'CONNECT_TIMEOUT',
        errno: 'CONNECT_TIMEOUT',
        message: 'write CONNECT_TIMEOUT primary:5433',
      })
      expect(performance.now() - startedAt).toBeGreaterThan(150)
      expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
    })

    test('is aborted at whichever step of the connector it is', async () => {
      const fault = emulator.faults.add({ step: 'exchange', stall: true, times: 1 })
      const sql = openSql({ connector, ...login, connect_timeout: 0.2 })
      const error = await failureOf(sql`select 1`)
      expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' })
      const { cause } = error as { cause?: Error }
      expect(cause).toMatchObject({ code: 'ALLOYDB_ABORTED' })
      expect(cause?.cause).toBeUndefined() // they are not each other's
      expect(error.message).toMatch(
        /^write CONNECT_TIMEOUT primary:5433\n.*aborted after \d+ ms, in the metadata exchange with /,
      )
      expect(fault.hits).toBe(1)
      expect((await sql`select 1`).count).toBe(1)
    })

    test('is given up although it does not heed its signal, and its socket destroyed', async () => {
      const gate = Promise.withResolvers<void>()
      const dialer = recordDials(async (uri) => {
        await gate.promise
        return connector.connect(uri)
      })
      const sql = openSql({ connector: dialer, ...login, connect_timeout: 0.05 })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'CONNECT_TIMEOUT' })
      gate.resolve()
      await vi.waitFor(() => expect(dialer.sockets.map(({ destroyed }) => destroyed)).toEqual([true]))
    })

    test("is the connector's to limit without connect_timeout", async () => {
      emulator.faults.add({ step: 'exchange', stall: true, times: 1 })
      const sql = openSql({ ...identity, ...login, connect_timeout: 0, connectTimeoutMs: 100 })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'ALLOYDB_EXCHANGE_TIMEOUT' })
    })

    test('names the instance when it is the login that hangs', async () => {
      emulator.faults.add({ step: 'postgres', stall: true, times: 1 })
      const sql = openSql({ connector, ...login, connect_timeout: 0.2 })
      expect(await failureOf(sql`select 1`)).toMatchObject({
        code: 'CONNECT_TIMEOUT',
        message: 'write CONNECT_TIMEOUT primary:5433',
      })
    })
  })

  describe('a server that closes', () => {
    test.each(['FIN', 'RST'] as const)('an idle connection by %s is replaced', async (how) => {
      const closed = Promise.withResolvers<number>()
      const dialer = recorded()
      const sql = openSql({ connector: dialer, ...login, max: 1, onclose: closed.resolve })
      await sql`select 1`
      emulator.disconnectAll(how)
      await closed.promise
      expect((await sql`select 1`).count).toBe(1)
      expect(dialer.sockets.length).toBe(2)
    })

    test.each([
      ['FIN', 'CONNECTION_CLOSED'],
      ['RST', 'ECONNRESET'],
    ] as const)('in the middle of a query by %s fails that query', async (how, code) => {
      const { sql, failure } = await startEndlessQuery()
      emulator.disconnectAll(how)
      expect(await failure).toMatchObject({ code })
      expect((await sql`select 1`).count).toBe(1)
    })

    test.each(['FIN', 'RST'] as const)(
      'before its first byte by %s fails one query for each dial',
      async (how) => {
        const fault = emulator.faults.add({ step: 'postgres', close: how })
        const dialer = recorded()
        const sql = openSql({ connector: dialer, ...login, max: 1 })
        const error = await failureOf(sql`select 1`)
        expect(error).toMatchObject({ code: how === 'FIN' ? 'CONNECTION_CLOSED' : 'ECONNRESET' })
        expect(dialer.sockets.length).toBe(1)
        fault.remove()
        expect((await sql`select 1`).count).toBe(1)
        expect(dialer.sockets.length).toBe(2)
      },
    )

    test('before postgres.js has the socket fails the query', async () => {
      let isFirst = true
      const sql = openSql({
        connector: {
          async connect(uri, options) {
            const socket = await connector.connect(uri, options)
            if (isFirst) await once(socket.destroy(), 'close')
            isFirst = false
            return socket
          },
        },
        ...login,
      })
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'CONNECTION_CLOSED' })
      expect((await sql`select 1`).count).toBe(1)
    })
  })

  describe('a transaction', () => {
    test('gives its callback all that postgres.js does', async () => {
      const sql = openSql({ connector, ...login, max: 1 })
      const results = await sql.begin('read only', async (tx) => {
        expect(Object.keys(tx).toSorted()).toEqual(
          expect.arrayContaining([
            'array',
            'file',
            'json',
            'notify',
            'savepoint',
            'typed',
            'types',
            'unsafe',
          ]),
        )
        const [row] = await tx`select ${tx.json({ a: 1 })}::jsonb as json, ${tx.array([1, 2])}::int[] as list`
        expect(row).toEqual({ json: { a: 1 }, list: [1, 2] })
        const inner = await tx.savepoint('one', (tx) => [
          tx`select 1 as n`,
          tx`select ${tx('n')} from (select 2 as n) as t`,
        ])
        const failure = tx.savepoint(async (tx) => tx`select 1 / 0`)
        await expect(failure).rejects.toMatchObject({ code: '22012' })
        const values = await tx.unsafe('select $1::text', ['three']).values()
        return [...inner.map(([first]) => first?.['n'] as number), values[0]?.[0]]
      })
      expect(results).toEqual([1, 2, 'three'])
      await expect(sql.begin((tx) => [tx`select 1`, tx`select 1 / 0`])).rejects.toMatchObject({
        code: '22012',
      })
    })

    test.skipIf(lacks.lostTransactions)(
      'whose connection is ended in the middle of a query fails, and the process goes on',
      async () => {
        const sql = openSql({ connector, ...login, max: 1 })
        const other = openSql({ connector, ...login, max: 1 })
        const transaction = sql.begin(async (tx) => {
          const [row] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`
          setTimeout(() => void other`select pg_terminate_backend(${row.pid})`.execute(), 20)
          await tx.savepoint((tx) => tx`select pg_sleep(60)`)
        })
        expect(await failureOf(transaction)).toMatchObject({
          code: expect.stringMatching(/^(57P01|CONNECTION_CLOSED)$/) as string,
        })
        // postgres.js gives the next query the error of the lost connection once more.
        await sql`select 1`.catch(() => {})
        expect((await sql`select 1`).count).toBe(1)
      },
    )

    test.skipIf(lacks.lostTransactions)(
      'whose connection has ended does nothing in the transaction that has the connection by then',
      async () => {
        const sql = openSql({ connector, ...login, max: 1 })
        const other = openSql({ connector, ...login, max: 1 })
        await other`create table if not exists public.transaction_guard (who text)`
        const ended = Promise.withResolvers<void>()
        const isOther = Promise.withResolvers<void>()
        const late: unknown[] = []
        const lost = sql.begin(async (tx) => {
          const [row] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`
          await other`select pg_terminate_backend(${row.pid})`
          ended.resolve()
          await isOther.promise
          const insert = 'insert into public.transaction_guard values ($1)'
          for (const work of [
            () => tx`insert into public.transaction_guard values ('lost')`,
            () => tx.unsafe(insert, ['lost']),
            () => tx.savepoint((tx) => tx.unsafe(insert, ['lost'])),
            () => tx.notify('transaction_guard', 'lost'),
          ])
            late.push(await failureOf(work()))
          throw new Error('which would roll back')
        })
        lost.catch(() => {})
        await ended.promise
        await sql.begin(async (tx) => {
          await tx`insert into public.transaction_guard values ('other')`
          isOther.resolve()
          await vi.waitFor(() => expect(late).toHaveLength(4))
          await new Promise(setImmediate)
          await tx`insert into public.transaction_guard values ('other, still')`
        })
        const error = await failureOf(lost)
        expect(error).toMatchObject({ code: 'CONNECTION_CLOSED' })
        expect(new Set(late)).toEqual(new Set([error]))
        const rows = await other`select who from public.transaction_guard`
        await other`drop table public.transaction_guard`
        expect(rows.map(({ who }) => who as string)).toEqual(['other', 'other, still'])
      },
    )
  })

  describe('end', () => {
    test('closes the connector that was made', async () => {
      const counts = countConnectors()
      const sql = createSql({ instance, ...identity, ...login })
      await sql`select 1`
      await Promise.all([sql.end(), sql.end()])
      expect(counts.closed).toBe(1)
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'CONNECTION_ENDED' })
    })

    test('leaves a shared connector open', async () => {
      const counts = countConnectors()
      const sql = createSql({ instance, connector, ...login })
      await sql`select 1`
      await sql.end()
      expect(counts.closed).toBe(0)
    })

    test('does nothing to a pool that was never used', async () => {
      await createSql({ instance, ...identity, ...login }).end()
      await createSql({ instance, ...identity, ...login }).end({ timeout: 5 })
    })

    test('serves all queries first, those too that have no connection yet', async () => {
      const counts = countConnectors()
      const dialer = recorded()
      const own = createSql({ instance, ...identity, ...login, max: 2 })
      const shared = createSql({ instance, connector: dialer, ...login, max: 2 })
      for (const sql of [own, shared]) {
        let served = 0
        const queries = Array.from({ length: 6 }, () => sql`select pg_sleep(0.01)`.then(() => (served += 1)))
        await sql.end()
        expect(served).toBe(6)
        await Promise.all(queries)
      }
      expect(counts.closed).toBe(1)
      expect(dialer.sockets.every(({ closed }) => closed)).toBe(true)
    })

    test('serves a query that waits for the next dial', async () => {
      let isDown = true
      const dialer: Dialer = {
        connect: (uri, options) =>
          isDown ? Promise.reject(new Error('down')) : connector.connect(uri, options),
      }
      const sql = createSql({ instance, connector: dialer, ...login, max: 1, backoff: () => 0.1 })
      const second = Promise.withResolvers<number>()
      const failure = failureOf(sql`select 1`)
      sql`select 2`.then(({ count }) => second.resolve(count), second.reject)
      expect((await failure).message).toBe('down')
      isDown = false
      await sql.end()
      expect(await second.promise).toBe(1)
    })

    test('does not wait for the next dial when no query does', async () => {
      const connect: Dialer['connect'] = () => Promise.reject(new Error('down'))
      const sql = createSql({ instance, connector: { connect }, ...login, backoff: () => 60 })
      await failureOf(sql`select 1`)
      await sql.end()
    })

    test('waits for a transaction', async () => {
      const sql = createSql({ instance, connector, ...login })
      let isDone = false
      const transaction = sql.begin(async (sql) => {
        await sql`select pg_sleep(0.05)`
        await sql`select 1`
        isDone = true
      })
      await sql`select 1`
      await sql.end()
      expect(isDone).toBe(true)
      await transaction
    })

    test('comes to its end although the dials fail', async () => {
      const sql = createSql({
        instance,
        connector: { connect: () => Promise.reject(new Error('down')) },
        ...login,
        max: 2,
      })
      const queries = Array.from({ length: 9 }, () => failureOf(sql`select 1`))
      await sql.end()
      expect((await Promise.all(queries)).map(({ message }) => message)).toEqual(Array(9).fill('down'))
    })

    test('comes to its end although the server closes', async () => {
      const { sql, failure } = await startEndlessQuery()
      const ended = sql.end()
      emulator.disconnectAll('FIN')
      await ended
      expect(await failure).toMatchObject({ code: 'CONNECTION_CLOSED' })
    })

    test('waits for a dial that hangs until connect_timeout', async () => {
      const sql = createSql({ instance, connector: { connect: hang }, ...login, connect_timeout: 0.1 })
      const failure = failureOf(sql`select 1`)
      await sql.end()
      expect(await failure).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    })

    test('aborts a dial that hangs when its timeout is over', async () => {
      const dialer = recordDials(hang)
      const sql = createSql({ instance, connector: dialer, ...login, max: 1 })
      const failures = [failureOf(sql`select 1`), failureOf(sql`select 2`)]
      await sql.end({ timeout: 0.05 })
      expect((await Promise.all(failures)).map(({ code }) => code)).toEqual(
        Array(2).fill('CONNECTION_DESTROYED'),
      )
      expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
    })

    test('gives up queries when its timeout is over', async () => {
      const dialer = recorded()
      const { sql, failure } = await startEndlessQuery({ connector: dialer })
      await sql.end({ timeout: 0 })
      expect(await failure).toMatchObject({ code: 'CONNECTION_DESTROYED' })
      expect(dialer.sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    })

    test('gives up queries when a later end has a timeout that is over', async () => {
      const dialer = recorded()
      const { sql, failure } = await startEndlessQuery({ connector: dialer })
      const ended = sql.end()
      await sql.end({ timeout: 0.05 })
      await ended
      expect(await failure).toMatchObject({ code: 'CONNECTION_ENDED' })
      expect(dialer.sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    })

    test('gives up queries that have no connection yet when its timeout is over', async () => {
      const sql = createSql({ instance, connector, ...login, max: 1 })
      const first = sql`select 1`.then(() => {})
      const failures = [1, 2, 3].map(() => failureOf(sql`select pg_sleep(60)`))
      await sql.end({ timeout: 0.2 })
      await first
      for (const { code } of await Promise.all(failures)) expect(code).toMatch(/^CONNECTION_/)
    })

    test('settles every query when its timeout is over while dials fail', async () => {
      const connect: Dialer['connect'] = () => Promise.reject(new Error('down'))
      const ends = Array.from({ length: 60 }, async (_, i) => {
        const sql = createSql({ instance, connector: { connect }, ...login, max: 1 + (i % 3) })
        const failures = Array.from({ length: 8 }, () => failureOf(sql`select 1`))
        await sql.end({ timeout: i / 3000 })
        await Promise.all(failures)
      })
      await Promise.all(ends)
    })

    test('ends the connection of listen', async () => {
      const dialer = recorded()
      const sql = createSql({ instance, connector: dialer, ...login })
      await sql.listen('silence', () => {})
      await sql.end()
      expect(dialer.sockets.map(({ closed }) => closed)).toEqual([true])
    })

    test('aborts a listen that is dialing', async () => {
      const dialer = recordDials(hang)
      const sql = createSql({ instance, connector: dialer, ...login })
      const failure = failureOf(sql.listen('silence', () => {}))
      await vi.waitFor(() => expect(dialer.signals.length).toBe(1))
      await sql.end()
      expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
      expect((await failure).message).toMatch(/CONNECTION_(ENDED|DESTROYED)/)
    })
  })
}
