import { AlloyDBError, Connector } from '@alloydb/core'
import { countConnectors, failureOf, startHarness } from '@alloydb-tooling/conformance'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { describe, expect, test, vi } from 'vitest'
import { ignoreClientErrors, openPoolConfig } from '../src/adapter.ts'
import { createPool } from '../src/index.ts'

const { emulator, instance, login, identity, connector } = await startHarness()
const { database } = login

describe('openPoolConfig', () => {
  test.each([
    ['the newest pg', pg.Pool],
    ['another copy of pg', oldestPg.Pool],
  ])('makes the config of a pool of %s', async (_, Pool) => {
    const counts = countConnectors()
    const { config, close } = await openPoolConfig({ instance, ...identity, authType: 'IAM', database })
    const pool = new Pool(config)
    const { rows } = await pool.query('select current_user as user')
    expect(rows).toEqual([{ user: 'app@emulator.iam' }])
    await pool.end()
    expect(counts.closed).toBe(0)
    await close()
    expect(counts.closed).toBe(1)
  })

  test('fails where IAM login needs a user whom nobody tells', async () => {
    const dialer = { connect: connector.connect.bind(connector) }
    const error = await failureOf(openPoolConfig({ instance, connector: dialer, authType: 'IAM' }))
    expect(AlloyDBError.is(error, 'ALLOYDB_IAM_USER_UNKNOWN')).toBe(true)
  })

  test('closes the connector that was made where the user cannot be found', async () => {
    const close = vi.spyOn(Connector.prototype, 'close')
    const auth = {
      getRequestHeaders: () => Promise.resolve({}),
      transporter: { request: () => Promise.resolve({}) },
    }
    const error = await failureOf(openPoolConfig({ instance, auth, authType: 'IAM' }))
    expect(error).toMatchObject({ code: 'ALLOYDB_IAM_USER_UNKNOWN' })
    expect(close).toHaveBeenCalledTimes(1)
    close.mockRestore()
  })

  test('gives up a search for the user that takes longer than connectionTimeoutMillis', async () => {
    const dialer = {
      connect: connector.connect.bind(connector),
      getIamUser: () => new Promise<string>(() => {}),
    }
    const config = { instance, connector: dialer, authType: 'IAM', connectionTimeoutMillis: 50 } as const
    expect((await failureOf(openPoolConfig(config))).message).toMatch(/timeout/)
  })

  test('refuses what says where to connect', async () => {
    const error = await failureOf(openPoolConfig({ instance, host: 'localhost' } as never))
    expect(AlloyDBError.is(error, 'ALLOYDB_INVALID_OPTION')).toBe(true)
  })
})

describe('ignoreClientErrors', () => {
  test.each([
    ['a connection of the pool', (pool: pg.Pool): Promise<pg.PoolClient> => pool.connect()],
    [
      "a client of the pool's class, beside the pool",
      async (pool: pg.Pool): Promise<pg.Client> => {
        const client = new (pool as unknown as { Client: typeof pg.Client }).Client(pool.options)
        await client.connect()
        return client
      },
    ],
  ])('keeps the process alive when %s ends', async (_, open) => {
    const pool = ignoreClientErrors(createPool({ instance, connector, ...login }))
    const client = await open(pool)
    const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)))
    const failure = failureOf(client.query('select pg_sleep(60)'))
    emulator.disconnectAll('RST')
    expect((await failure).message).toMatch(/ECONNRESET|terminated/)
    await ended
    if ('release' in client) (client as pg.PoolClient).release(true)
    await pool.end()
  })
})
