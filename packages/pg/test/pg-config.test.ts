import { AlloyDBError, type Dialer } from '@alloydb/core'
import { once } from 'node:events'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pgConfig } from '../src/index.ts'
import { failureOf, hang, recordDials, setEnvironment, startHarness } from '@alloydb-tooling/conformance'
import { startEndlessQuery } from './endless-query.ts'

const { emulator, instance, login, connector } = await startHarness()
const connect: Dialer['connect'] = (...args) => connector.connect(...args)

test('is plain data that can be spread', () => {
  const config = pgConfig(connector, instance)
  expect(Object.entries(config)).toEqual([
    ['stream', expect.any(Function)],
    ['ssl', false],
  ])
})

test('refuses a malformed instance URI at once', () => {
  expect(() => pgConfig(connector, 'my-instance')).toThrow(
    expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
  )
})

test('refuses an unknown authType at once', () => {
  expect(() => pgConfig(connector, instance, { authType: 'KERBEROS' as 'IAM' })).toThrow(
    expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION' }),
  )
})

describe.each([
  ['the newest pg', pg],
  ['pg 8.9', oldestPg],
])('%s', (_, { Client, Pool, Query }) => {
  function openPool(dialer: Dialer, options: pg.PoolConfig = {}): pg.Pool {
    const pool = new Pool({ ...login, ...options, ...pgConfig(dialer, instance) })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    return pool
  }

  function openClient(dialer: Dialer, options: pg.ClientConfig = {}): pg.Client {
    return new Client({ ...login, ...options, ...pgConfig(dialer, instance) })
  }

  test('dials once for each connection of a pool', async () => {
    const dialer = recordDials(connect)
    const pool = openPool(dialer, { max: 5 })
    const queries = Array.from({ length: 20 }, (_, i) => pool.query<{ i: number }>('select $1::int i', [i]))
    const results = await Promise.all(queries)
    expect(results.map(({ rows }) => rows[0]?.i)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(dialer.sockets).toHaveLength(5)
  })

  test('is alone with the raw TLS socket', async () => {
    const dialer = recordDials(connect)
    const client = openClient(dialer, { keepAlive: true })
    await client.connect()
    expect(client.connection.stream).toBe(dialer.sockets[0])
    expect(Object.getPrototypeOf(client.connection.stream)).toBe(TLSSocket.prototype)
    await client.end()
  })

  test('passes on how to dial', async () => {
    const options: unknown[] = []
    const dialer: Dialer = {
      connect: (uri, given) => {
        options.push([uri, given])
        return connect(uri, given)
      },
    }
    const client = new Client({
      ...login,
      ...pgConfig(dialer, instance, { ipType: 'PUBLIC', authType: 'password' }),
    })
    await client.connect()
    await client.end()
    const signal = expect.any(AbortSignal) as AbortSignal
    expect(options).toEqual([[instance, { ipType: 'PUBLIC', authType: 'password', signal }]])
  })

  test('rejects once with the error of a failed dial, and tries anew afterwards', async () => {
    const pool = openPool(connector, { max: 1 })
    emulator.faults.add({ step: 'exchange', fail: { message: 'no such instance' }, times: 2 })
    const errors = await Promise.all([failureOf(pool.query('select 1')), failureOf(pool.query('select 1'))])
    expect(errors.map(({ code }) => code)).toEqual(['ALLOYDB_EXCHANGE_REJECTED', 'ALLOYDB_EXCHANGE_REJECTED'])
    expect(errors[0]).not.toBe(errors[1])
    expect(errors[0]).toBeInstanceOf(AlloyDBError)
    expect((await pool.query('select 1')).rowCount).toBe(1)
    expect(pool.totalCount).toBe(1)
  })

  test('aborts a dial that takes longer than connectionTimeoutMillis, and tries anew afterwards', async () => {
    let isDown = true
    const dialer = recordDials((...args) => (isDown ? hang(...args) : connect(...args)))
    const pool = openPool(dialer, { max: 1, connectionTimeoutMillis: 100 })
    const error = await failureOf(pool.query('select 1'))
    expect(error.message).toMatch(/timeout/)
    expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(pool.totalCount).toBe(0)
    isDown = false
    pool.options.connectionTimeoutMillis = 10_000
    expect((await pool.query('select 1')).rowCount).toBe(1)
  })

  test('aborts the dial of a client that takes longer than connectionTimeoutMillis', async () => {
    const dialer = recordDials(hang)
    const client = openClient(dialer, { connectionTimeoutMillis: 50 })
    expect((await failureOf(client.connect())).message).toBe('timeout expired')
    expect(dialer.signals[0]?.aborted).toBe(true)
  })

  test('gives up the dial when connect() is followed by end() at once', async () => {
    const dialer = recordDials(hang)
    const client = openClient(dialer)
    // pg does not settle this promise after end(); it must not reject either, since nobody would handle it.
    void client.connect()
    await client.end()
    expect(dialer.signals[0]?.aborted).toBe(true)
    expect(client.connection.stream.destroyed).toBe(true)
  })

  test('fails the connect() of a client whose stream was destroyed before', async () => {
    const dialer = recordDials(connect)
    const client = openClient(dialer)
    await new Promise((resolve) => client.connection.stream.destroy().once('close', resolve))
    expect((await failureOf(client.connect())).message).toBe('Connection terminated unexpectedly')
    expect(dialer.signals).toEqual([])
  })

  test.each(['FIN', 'RST'] as const)('sees an idle connection end by %s, and replaces it', async (how) => {
    const pool = openPool(connector)
    await pool.query('select 1')
    const failed = once(pool, 'error')
    emulator.disconnectAll(how)
    const [error] = (await failed) as [Error & { code?: string }]
    if (how === 'FIN') expect(error.message).toBe('Connection terminated unexpectedly')
    else expect(error.code).toBe('ECONNRESET')
    expect(pool.totalCount).toBe(0)
    expect((await pool.query('select 1')).rowCount).toBe(1)
  })

  test.each(['FIN', 'RST'] as const)(
    'fails the query during which the connection ends by %s',
    async (how) => {
      const client = openClient(connector)
      client.on('error', () => {})
      await client.connect()
      const { failure } = await startEndlessQuery(client)
      emulator.disconnectAll(how)
      const error: Error & { code?: string } = await failure
      if (how === 'FIN') expect(error.message).toBe('Connection terminated unexpectedly')
      else expect(error.code).toBe('ECONNRESET')
    },
  )

  test('fails the connect() during which the server ends the connection', async () => {
    emulator.faults.add({ step: 'postgres', close: 'FIN', times: 1 })
    const error = await failureOf(openClient(connector).connect())
    expect(error.message).toBe('Connection terminated unexpectedly')
  })

  test('passes on errors of PostgreSQL as they are', async () => {
    const error = await failureOf(openClient(connector, { password: 'wrong' }).connect())
    expect(error).toMatchObject({ code: '28P01', severity: 'FATAL' })
    expect((await failureOf(openPool(connector).query('select 1/0'))).code).toBe('22012')
  })

  test('cancels a query', async () => {
    const dialer = recordDials(connect)
    const client = openClient(dialer)
    await client.connect()
    const query = new Query(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`)
    const failed = new Promise((resolve) => query.on('error', resolve))
    const started = once(client, 'notice')
    client.query(query)
    await started
    const canceller = openClient(dialer) as pg.Client & { cancel(client: pg.Client, query: pg.Query): void }
    canceller.cancel(client, query)
    expect(await failed).toMatchObject({ code: '57014' })
    expect(dialer.sockets).toHaveLength(2)
    await client.end()
  })

  test('notifies', async () => {
    const pool = openPool(connector)
    const client = await pool.connect()
    await client.query('listen orders')
    const notified = once(client, 'notification')
    await pool.query(`notify orders, '42'`)
    expect(await notified).toMatchObject([{ channel: 'orders', payload: '42' }])
    client.release()
  })

  test('runs transactions and several statements at once', async () => {
    const client = openClient(connector)
    await client.connect()
    await client.query('create temporary table stock (item text, count int)')
    await client.query('begin')
    await client.query(`insert into stock values ('tea', 3)`)
    await client.query('rollback')
    const results = (await client.query('select count(*)::int n from stock; select 2 n')) as unknown
    expect((results as pg.QueryResult[]).map(({ rows }) => rows as unknown)).toEqual([[{ n: 0 }], [{ n: 2 }]])
    await client.end()
  })

  test('carries large rows', async () => {
    const { rows } = await openPool(connector).query<{ text: string }>(`select repeat('x', 20000000) as text`)
    expect(rows[0]?.text).toHaveLength(20_000_000)
  })

  test('takes no notice of the environment variables that say where and how to connect', async () => {
    setEnvironment({ PGHOST: '/nowhere', PGPORT: '1', PGSSLMODE: 'require' })
    expect((await openPool(connector).query('select 1')).rowCount).toBe(1)
  })

  test('refuses sslmode in a connection string before any dial', async () => {
    const dialer = recordDials(connect)
    const pool = openPool(dialer, {
      connectionString: 'postgres://postgres:postgres@/postgres?sslmode=verify-full',
    })
    const error = await failureOf(pool.query('select 1'))
    expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_OPTION', instance })
    expect(error.message).toBe(
      `The option "ssl" is set for the connection to instance "${instance}", which is encrypted and verified already.\n` +
        'Remove `ssl`, and `sslmode` from the connection string.',
    )
    expect(dialer.signals).toEqual([])
  })

  test('takes a connection string for all but the host', async () => {
    const pool = openPool(connector, {
      connectionString: 'postgres://postgres:postgres@nowhere:1/postgres?application_name=shop',
    })
    const { rows } = await pool.query(`select current_setting('application_name') as name`)
    expect(rows).toEqual([{ name: 'shop' }])
  })

  test('works for a client that is made of the options of a pool', async () => {
    const pool = openPool(connector)
    const client = new Client({ ...pool.options, ...login })
    await client.connect()
    expect((await client.query('select 1')).rowCount).toBe(1)
    await client.end()
  })

  test('shows the connection through a stream that was kept from before', async () => {
    const client = openClient(connector)
    const kept = client.connection.stream
    await client.connect()
    expect(client.connection.stream).not.toBe(kept)
    const closed = once(kept, 'close')
    await client.end()
    expect(kept.destroyed).toBe(true)
    await closed
  })

  test('works where the stream option is wrapped, so that the stream cannot be replaced', async () => {
    const config = pgConfig(connector, instance)
    const client = new Client({ ...login, ...config, stream: () => config.stream() })
    await client.connect()
    const { rows } = await client.query<{ text: string }>(`select repeat('x', 1000000) as text`)
    expect(rows[0]?.text).toHaveLength(1_000_000)
    await client.end()
  })
})

test('pipelines queries', async () => {
  const client = new pg.Client({ ...login, pipeline: true, ...pgConfig(connector, instance) })
  await client.connect()
  const results = await Promise.all([1, 2, 3].map((n) => client.query('select $1::int n', [n])))
  expect(results.map(({ rows }) => rows as unknown)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
  await client.end()
})
