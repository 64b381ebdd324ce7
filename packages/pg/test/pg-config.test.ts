import { AlloyDBError, type Dialer } from '@alloydb/core'
import { once } from 'node:events'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pgConfig } from '../src/index.ts'
import { failureOf, hang, recordDials, setEnvironment, startHarness } from '@alloydb-tooling/conformance'

const { emulator, instance, login, connector } = await startHarness()
const connect: Dialer['connect'] = (...args) => connector.connect(...args)

test('is plain data that can be spread', () => {
  const config = pgConfig(connector, instance)
  expect(Object.entries(config)).toEqual([
    ['stream', expect.any(Function)],
    ['ssl', false],
    ['sslnegotiation', 'postgres'],
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

test.each<[string, () => unknown]>([
  ['no dialer', () => pgConfig(undefined as unknown as Dialer, instance)],
  ['a promise of a dialer', () => pgConfig(Promise.resolve(connector) as unknown as Dialer, instance)],
  ["pg's own options", () => pgConfig(connector, instance, { user: 'app' } as object)],
])('refuses %s at once', (_, configure) => {
  expect(configure).toThrow(expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION' }))
})

describe.each([
  ['the newest pg', pg],
  ['pg 8.9', oldestPg],
])('%s', (_, { Client, Pool }) => {
  function openPool(dialer: Dialer, options: pg.PoolConfig = {}): pg.Pool {
    const pool = new Pool({ ...login, ...options, ...pgConfig(dialer, instance) })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    return pool
  }

  function openClient(dialer: Dialer, options: pg.ClientConfig = {}): pg.Client {
    return new Client({ ...login, ...options, ...pgConfig(dialer, instance) })
  }

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

  test.each<[string, (options: object) => Promise<unknown>]>([
    ['a client', (options) => openClient(connector, options).connect()],
    ['a pool', (options) => openPool(connector, options).query('select 1')],
  ])('tells where the connect of %s was when connectionTimeoutMillis was over', async (_, connect) => {
    emulator.faults.add({ step: 'exchange', stall: true, times: 1 })
    const error: Error = await failureOf(connect({ connectionTimeoutMillis: 200 }))
    expect(error.message).toMatch(/timeout/)
    const aborted = causesOf(error).find((cause) => AlloyDBError.is(cause))
    expect(aborted?.code).toBe('ALLOYDB_ABORTED')
    expect(aborted?.summary).toMatch(
      /was aborted after \d+ ms, in the metadata exchange with 127\.0\.0\.1:\d+\.$/,
    )
    expect(aborted?.hint).toContain('it may be overloaded')
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

  test('fails the connect() during which the server ends the connection', async () => {
    emulator.faults.add({ step: 'postgres', close: 'FIN', times: 1 })
    const error = await failureOf(openClient(connector).connect())
    expect(error.message).toBe('Connection terminated unexpectedly')
  })

  test('takes no notice of the environment variables that say where and how to connect', async () => {
    setEnvironment({ PGHOST: '/nowhere', PGPORT: '1', PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct' })
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

/** An error, its cause, the cause of that, and so on. */
function causesOf(error: Error): Error[] {
  const causes = [error]
  for (let { cause } = error; cause instanceof Error; { cause } = cause) {
    if (causes.includes(cause)) throw new Error('an error is among its own causes')
    causes.push(cause)
  }
  return causes
}
