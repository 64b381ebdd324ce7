import { Connector, type Dialer } from '@alloydb/core'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { checkPoolConfig } from '../src/adapter.ts'
import { createPool, type AlloyDBPoolConfig } from '../src/index.ts'
import { countConnectors, failureOf, hang, setEnvironment, type Harness } from '@alloydb-tooling/conformance'

export function testCreatePool({ emulator, instance, login, identity, connector }: Harness): void {
  const iamUser = 'app@emulator.iam'

  /** A pool that is ended after the test. */
  function openPool(config: Omit<AlloyDBPoolConfig, 'instance'>): pg.Pool {
    const pool = createPool({ instance, ...config })
    onTestFinished(() => (pool.ending ? undefined : pool.end()))
    return pool
  }

  describe('createPool', () => {
    test('makes an ordinary pg.Pool of ordinary clients', async () => {
      const pool = openPool({ ...identity, ...login, max: 3 })
      expect(pool).toBeInstanceOf(pg.Pool)
      expect(pool.options).toMatchObject({ user: 'postgres', max: 3, ssl: false })
      const client = await pool.connect()
      expect(client).toBeInstanceOf(pg.Client)
      expect(Object.getPrototypeOf(client)).toBe(pg.Client.prototype)
      expect(client.connection.stream).toBeInstanceOf(TLSSocket)
      expect((await client.query('select 1')).rowCount).toBe(1)
      client.release()
    })

    test('gives pg its own options alone', () => {
      const { options } = openPool({ ...identity, ipType: 'PUBLIC', refreshStrategy: 'lazy', ...login })
      const ours = ['instance', 'connector', 'auth', 'ipType', 'authType', 'refreshStrategy']
      expect(Object.keys(options).filter((name) => ours.includes(name))).toEqual([])
    })

    test.each(['host', 'port', 'ssl', 'sslnegotiation', 'stream'])('refuses the option %s', (name) => {
      const refusal = expect.objectContaining({
        code: 'ALLOYDB_INVALID_OPTION',
        message: expect.stringContaining(`"${name}"`) as string,
      }) as Error
      const config = { instance, connector, ...login, [name]: 'x' }
      expect(() => createPool(config)).toThrow(refusal)
      expect(() => checkPoolConfig(config)).toThrow(refusal)
    })

    test('refuses a malformed instance URI', () => {
      expect(() => createPool({ connector, instance: 'my-instance' })).toThrow(
        expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
      )
    })

    test('takes no notice of the environment variables that say where and how to connect', async () => {
      setEnvironment({ PGHOST: '/nowhere', PGPORT: '1', PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct' })
      expect((await openPool({ connector, ...login }).query('select 1')).rowCount).toBe(1)
    })

    test('reads user, password and database from the environment, as pg does', async () => {
      setEnvironment({ PGUSER: login.user, PGPASSWORD: login.password, PGDATABASE: login.database })
      const { rows } = await openPool({ connector }).query('select current_user, current_database()')
      expect(rows).toEqual([{ current_user: 'postgres', current_database: 'postgres' }])
    })

    test('closes the connector that it made when it has ended', async () => {
      const counts = countConnectors()
      const pool = createPool({ instance, ...identity, ...login })
      const client = await pool.connect()
      const ended = pool.end()
      await client.query('select 1')
      expect(counts.closed).toBe(0)
      client.release()
      await ended
      expect(counts.closed).toBe(1)
      expect(pool.ended).toBe(true)
    })

    test('leaves a shared connector open', async () => {
      const counts = countConnectors()
      const first = createPool({ instance, connector, ...login })
      await first.query('select 1')
      await first.end()
      expect(counts.closed).toBe(0)
      expect((await openPool({ connector, ...login }).query('select 1')).rowCount).toBe(1)
    })

    test('outlives a shared connector that is closed first, with the connections that it has', async () => {
      const shared = new Connector({ ...identity })
      const pool = createPool({ instance, connector: shared, ...login, max: 2 })
      const client = await pool.connect()
      const slow = client.query('select pg_sleep(0.2), 1 as one')
      await shared.close()
      expect((await slow).rows[0]).toMatchObject({ one: 1 })
      const error = await failureOf(pool.query('select 1')) // takes a second connection
      expect(error.code).toBe('ALLOYDB_CONNECTOR_CLOSED')
      client.release()
      expect((await pool.query('select 2 as two')).rows).toEqual([{ two: 2 }])
      await pool.end()
    })

    test('ends with a callback too', async () => {
      const counts = countConnectors()
      const pool = createPool({ instance, ...identity, ...login })
      await pool.query('select 1')
      await new Promise<void>((resolve) => pool.end(resolve))
      expect(counts.closed).toBe(1)
    })

    test('refuses a second end(), as pg does', async () => {
      const pool = createPool({ instance, connector, ...login })
      await pool.end()
      expect((await failureOf(pool.end())).message).toBe('Called end on pool more than once')
      const error = await new Promise((resolve) =>
        pool.end(((reason: Error) => resolve(reason)) as () => void),
      )
      expect(error).toMatchObject({ message: 'Called end on pool more than once' })
    })

    test('serves a query that is being connected when it is ended, as pg does, then closes its connector', async () => {
      const counts = countConnectors()
      const pool = createPool({ instance, ...identity, ...login })
      const query = pool.query('select 1 as one')
      await pool.end()
      expect(counts.closed).toBe(1)
      expect((await query).rows).toEqual([{ one: 1 }])
    })

    test('ends as soon as the dial that hangs is over', async () => {
      const fault = emulator.faults.add({ step: 'exchange', stall: true })
      const pool = createPool({ instance, ...identity, ...login, connectTimeoutMs: 1_000 })
      const failure = failureOf(pool.query('select 1'))
      await vi.waitFor(() => expect(fault.hits).toBe(1))
      await pool.end()
      expect(await failure).toMatchObject({ code: 'ALLOYDB_EXCHANGE_TIMEOUT' })
    })

    test('tells of the end of an idle connection to those who listen', async () => {
      const pool = openPool({ connector, ...login })
      await pool.query('select 1')
      const errors = new Promise((resolve) => pool.once('error', resolve))
      emulator.disconnectAll('FIN')
      expect(await errors).toMatchObject({ message: 'Connection terminated unexpectedly' })
    })

    test('takes a Client of the user', async () => {
      class OwnClient extends pg.Client {}
      const Client = OwnClient as NonNullable<pg.PoolConfig['Client']>
      for (const config of [login, { authType: 'IAM', database: 'postgres' } as const]) {
        const client = await openPool({ connector, Client, ...config }).connect()
        expect(client).toBeInstanceOf(OwnClient)
        client.release()
      }
    })
  })

  describe('createPool with IAM login', () => {
    const whoAndWhere = 'select current_user as user, current_database() as database'

    test('asks the credentials for the user', async () => {
      const pool = openPool({ ...identity, authType: 'IAM', database: 'postgres' })
      expect((await pool.query(whoAndWhere)).rows).toEqual([{ user: iamUser, database: 'postgres' }])
      const client = await pool.connect()
      expect(client).toBeInstanceOf(pg.Client)
      expect(client.user).toBe(iamUser)
      client.release()
    })

    test('follows the authType of a shared connector', async () => {
      const shared = new Connector({ ...identity, authType: 'IAM' })
      onTestFinished(() => shared.close())
      const pool = openPool({ connector: shared, database: 'postgres' })
      expect((await pool.query(whoAndWhere)).rows).toEqual([{ user: iamUser, database: 'postgres' }])
    })

    test('shortens the e-mail of a service account', async () => {
      const user = `${iamUser}.gserviceaccount.com`
      const pool = openPool({ connector, authType: 'IAM', user, database: 'postgres' })
      expect((await pool.query(whoAndWhere)).rows).toEqual([{ user: iamUser, database: 'postgres' }])
    })

    test('is not disturbed by a user, a password or a password file in the environment', async () => {
      setEnvironment({ PGUSER: 'postgres', PGPASSWORD: 'wrong', PGPASSFILE: '/nowhere' })
      const pool = openPool({ connector, authType: 'IAM', database: 'postgres' })
      expect((await pool.query(whoAndWhere)).rows).toEqual([{ user: iamUser, database: 'postgres' }])
    })

    test('takes the user as the default database, as pg does', async () => {
      const error = await failureOf(openPool({ connector, authType: 'IAM' }).query('select 1'))
      expect(error).toMatchObject({ code: '3D000', message: `database "${iamUser}" does not exist` })
      setEnvironment({ PGDATABASE: 'postgres' })
      const { rows } = await openPool({ connector, authType: 'IAM' }).query(whoAndWhere)
      expect(rows).toEqual([{ user: iamUser, database: 'postgres' }])
    })

    test('fails a connect whose user cannot be found, and tries anew afterwards', async () => {
      let isDown = true
      const dialer: Dialer = {
        authType: 'IAM',
        connect: (uri, options) => connector.connect(uri, { ...options, authType: 'IAM' }),
        getIamUser: () =>
          isDown ? Promise.reject(new Error('metadata server unavailable')) : connector.getIamUser(),
      }
      const pool = openPool({ connector: dialer, database: 'postgres', max: 1 })
      expect((await failureOf(pool.query('select 1'))).message).toBe('metadata server unavailable')
      const fromCallback = await new Promise((resolve) => pool.connect((error) => resolve(error)))
      expect(fromCallback).toMatchObject({ message: 'metadata server unavailable' })
      isDown = false
      expect((await pool.query('select 1')).rowCount).toBe(1)
    })

    test('gives up a search for the user that takes longer than connectionTimeoutMillis', async () => {
      const dialer: Dialer = {
        authType: 'IAM',
        connect: hang,
        getIamUser: () => new Promise(() => {}),
      }
      const pool = openPool({ connector: dialer, connectionTimeoutMillis: 50 })
      expect((await failureOf(pool.query('select 1'))).message).toMatch(/timeout/)
      expect(pool.totalCount).toBe(0)
    })

    test('says so where the dialer does not tell the user', async () => {
      const pool = openPool({ connector: { authType: 'IAM', connect: hang } })
      expect(await failureOf(pool.query('select 1'))).toMatchObject({ code: 'ALLOYDB_IAM_USER_UNKNOWN' })
    })

    test('refuses a password', () => {
      expect(() => createPool({ instance, connector, ...login, authType: 'IAM' })).toThrow(
        expect.objectContaining({
          code: 'ALLOYDB_INVALID_OPTION',
          message:
            'The option "password" stands beside IAM login.\nRemove `password`, or set `authType` to "PASSWORD".',
        }),
      )
    })

    test.each([
      ['a user who is given', { user: 'postgres' }],
      ['a user whom the credentials tell', {}],
    ])('sends no password of %s when PostgreSQL asks for one', async (_, config) => {
      setEnvironment({ PGPASSWORD: login.password })
      // A dialer that does not do what it is told: the server takes the login for one by password.
      const dialer: Dialer = {
        connect: (uri, options) => connector.connect(uri, { ...options, authType: 'PASSWORD' }),
        getIamUser: async () => 'postgres',
      }
      const pool = openPool({ connector: dialer, authType: 'IAM', database: 'postgres', ...config })
      const error = await failureOf(pool.query('select 1'))
      expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_OPTION', instance })
      expect(error.message).toContain('asks for a password')
    })

    test('works for a client that is made of the options of the pool', async () => {
      const pool = openPool({ connector, authType: 'IAM', database: 'postgres' })
      const Client = (pool as unknown as { Client: typeof pg.Client }).Client
      const client = new Client(pool.options)
      await client.connect()
      expect((await client.query(whoAndWhere)).rows).toEqual([{ user: iamUser, database: 'postgres' }])
      await client.end()
    })
  })
}
