import type { Dialer } from '@alloydb/core'
import { once } from 'node:events'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { postgresConfig } from '../src/index.ts'
import { failureOf, hang, recordDials, setEnvironment, startHarness } from '@alloydb-tooling/conformance'

const { emulator, instance, login, connector } = await startHarness()

function openSql(options: postgres.Options<{}>): postgres.Sql {
  const sql = postgres({ onnotice: () => {}, ...options })
  onTestFinished(() => sql.end({ timeout: 1 }))
  return sql
}

describe('postgresConfig', () => {
  test("leads one's own postgres() to the instance", async () => {
    const config = postgresConfig(connector, instance)
    expect(config).toMatchObject({ ssl: false, host: 'primary', port: 5433 })
    expect((await openSql({ ...login, ...config })`select 1`).count).toBe(1)
    expect((await openSql({ ...login, ...structuredCopy(config) })`select 1`).count).toBe(1)
  })

  test('beats the address in a connection string', async () => {
    const sql = postgres('postgres://postgres:postgres@nowhere,elsewhere/postgres?sslmode=require', {
      ...postgresConfig(connector, instance),
    })
    onTestFinished(() => sql.end({ timeout: 1 }))
    expect((await sql`select 1`).count).toBe(1)
  })

  test('tells the dialer the IP type, and how to log in', async () => {
    const connect = vi.fn<Dialer['connect']>((uri, options) => connector.connect(uri, options))
    const config = postgresConfig({ connect }, instance, { ipType: 'PUBLIC', authType: 'IAM' })
    const sql = openSql({ user: 'app@emulator.iam', database: 'postgres', ...config })
    expect([...(await sql`select current_user as user`)]).toEqual([{ user: 'app@emulator.iam' }])
    expect(connect).toHaveBeenCalledExactlyOnceWith(instance, {
      ipType: 'PUBLIC',
      authType: 'IAM',
      signal: expect.any(AbortSignal) as AbortSignal,
    })
  })

  test('refuses a malformed instance URI, and an unknown IP type', () => {
    expect(() => postgresConfig(connector, 'my-instance')).toThrow(
      expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
    )
    expect(() => postgresConfig(connector, instance, { ipType: 'ANY' as 'PSC' })).toThrow(
      expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION' }),
    )
  })

  test.each(['require', { rejectUnauthorized: false }] as const)(
    'refuses the option ssl: %o',
    async (ssl) => {
      const sql = openSql({ ...login, ...postgresConfig(connector, instance), ssl })
      const error = await failureOf(sql`select 1`)
      expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_OPTION' })
      expect(error.message).toContain('The option "ssl" is set')
    },
  )

  test('passes on the error of a failed dial once, and dials for the next query', async () => {
    const fault = emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 3 })
    const sql = openSql({ ...login, ...postgresConfig(connector, instance), max: 2, backoff: false })
    for (let i = 0; i < 3; i += 1) {
      expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'ALLOYDB_EXCHANGE_REJECTED', instance })
    }
    expect(fault.hits).toBe(3)
    expect((await sql`select 1`).count).toBe(1)
  })

  test('passes on that error whatever hosts the environment names', async () => {
    setEnvironment({ PGHOST: 'one,other' })
    const connect = vi.fn<Dialer['connect']>(() => Promise.reject(new Error('down')))
    const sql = openSql({ ...login, ...postgresConfig({ connect }, instance) })
    expect((await failureOf(sql`select 1`)).message).toBe('down')
    expect(connect).toHaveBeenCalledOnce()
  })

  test('passes on as an error what a dialer rejects with', async () => {
    const connect = vi.fn<Dialer['connect']>()
    connect.mockRejectedValueOnce('a string').mockImplementationOnce(() => {
      throw new Error('thrown')
    })
    const sql = openSql({ ...login, ...postgresConfig({ connect }, instance), backoff: false })
    expect((await failureOf(sql`select 1`)).message).toBe('a string')
    expect((await failureOf(sql`select 1`)).message).toBe('thrown')
  })

  test('limits a dial by connect_timeout, from wherever postgres.js has it', async () => {
    setEnvironment({ PGCONNECT_TIMEOUT: '0.05' })
    const dialer = recordDials(hang)
    const sql = openSql({ ...login, ...postgresConfig(dialer, instance) })
    expect(await failureOf(sql`select 1`)).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('refuses a connect_timeout for which no timer can wait, and dials nothing', async () => {
    const dialer = recordDials(hang)
    // Not by postgres() here, whose own timer is then up after 1 ms, before or after it has this error.
    const { socket, host, port } = postgresConfig(dialer, instance)
    const failed = await socket({ connect_timeout: 2_147_484, host: [host], port: [port], connection: {} })
    const failure = once(failed, 'error')
    failed.write('startup message')
    expect(await failure).toMatchObject([
      {
        code: 'ALLOYDB_INVALID_OPTION',
        summary: 'The option "connect_timeout" is longer than a timer can wait: 2147484 seconds.',
      },
    ])
    expect(dialer.signals).toEqual([])
  })

  test('lets end() with a timeout come to its end while a dial hangs', async () => {
    const sql = openSql({ ...login, ...postgresConfig({ connect: hang }, instance), connect_timeout: 0.1 })
    const failure = failureOf(sql`select 1`)
    await sql.end({ timeout: 0.05 })
    expect(await failure).toMatchObject({ code: 'CONNECTION_DESTROYED' })
  })
})

function structuredCopy(config: object): object {
  return Object.fromEntries(Object.entries(config))
}
