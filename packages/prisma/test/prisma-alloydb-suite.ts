import { AlloyDBError, Connector } from '@alloydb/core'
import {
  countConnectors,
  failureOf,
  recordDials,
  setEnvironment,
  type Harness,
} from '@alloydb-tooling/conformance'
import { PrismaPg } from '@prisma/adapter-pg'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PrismaAlloyDB, type PrismaAlloyDBConfig, type PrismaAlloyDBOptions } from '../src/index.ts'
import { PrismaClient } from '@alloydb-tooling/prisma-client'

const often = { interval: 5, timeout: 5_000 }

/** How PrismaAlloyDB lives and fails. */
export function testPrismaAlloyDB({ emulator, instance, login, identity, connector }: Harness): void {
  function open(
    config: Partial<PrismaAlloyDBConfig> = { connector, ...login },
    options?: PrismaAlloyDBOptions,
  ): PrismaClient {
    return openWith(new PrismaAlloyDB({ instance, ...config }, options))
  }

  function openWith(adapter: PrismaAlloyDB): PrismaClient {
    const prisma = new PrismaClient({ adapter, errorFormat: 'minimal' })
    onTestFinished(() => prisma.$disconnect())
    return prisma
  }

  const one = (prisma: Pick<PrismaClient, '$queryRaw'>): Promise<unknown> => prisma.$queryRaw`select 1 as one`
  const pidOf = async (prisma: PrismaClient): Promise<number | undefined> =>
    (await prisma.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid

  describe('wrong use is refused by the constructor', () => {
    test.each<[string, object]>([
      ['an unknown ipType', { ipType: 'LOCAL' }],
      ['a wrong connector option', { connectTimeoutMs: -1 }],
      ['a password beside IAM login', { authType: 'IAM', password: 'x' }],
      ['a connector option beside a shared connector', { connector, quotaProject: 'x' }],
      ['a schema, which is an option of Prisma', { schema: 'shop' }],
      ['a schema in a connection string', { connectionString: 'postgres://app@/shop?schema=shop' }],
      ['a connection string with a host', { connectionString: 'postgres://app@localhost/shop' }],
      ...['host', 'port', 'ssl', 'sslnegotiation', 'stream'].map((name): [string, object] => [
        name,
        { [name]: 'x' },
      ]),
    ])('%s', (_, config) => {
      expect(() => new PrismaAlloyDB({ instance, ...config })).toThrow(
        expect.objectContaining({ name: 'AlloyDBError', code: 'ALLOYDB_INVALID_OPTION' }),
      )
    })

    test.each([
      ['a malformed instance URI', { instance: 'my-instance' }],
      ['no instance', { user: 'app' }],
      ['a URL in place of a config', 'postgres://localhost/shop'],
      ['no config', undefined],
    ])('%s', (_, config) => {
      expect(() => new PrismaAlloyDB(config as unknown as PrismaAlloyDBConfig)).toThrow(
        expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
      )
    })
  })

  test('does not show the password to those who print it', () => {
    const adapter = new PrismaAlloyDB({ instance, ...login, password: 'open sesame' })
    expect(inspect(adapter, { depth: null, showHidden: true })).not.toContain('sesame')
  })

  test('takes a connection string for who logs in', async () => {
    const prisma = open({ connector, connectionString: `postgres://postgres:postgres@/${login.database}` })
    expect(await prisma.customer.count()).toBe(0)
  })

  describe('its life', () => {
    test('begins with the first query', async () => {
      const dialer = recordDials((...options) => connector.connect(...options))
      const prisma = open({ connector: dialer, ...login })
      await prisma.$connect()
      expect(dialer.signals).toHaveLength(0)
      await one(prisma)
      expect(dialer.sockets).toHaveLength(1)
    })

    test('ends with $disconnect(), which closes the connections and the connector', async () => {
      const counts = countConnectors()
      const prisma = open({ ...identity, ...login })
      await Promise.all([one(prisma), one(prisma)])
      expect(counts).toMatchObject({ dialed: 1, closed: 0 })
      await prisma.$disconnect()
      expect(counts).toMatchObject({ dialed: 1, closed: 1 })
      await prisma.$disconnect()
    })

    test('begins anew with the next query', async () => {
      const counts = countConnectors()
      const prisma = open({ ...identity, ...login })
      await one(prisma)
      await prisma.$disconnect()
      expect(await one(prisma)).toEqual([{ one: 1 }])
      expect(counts).toMatchObject({ dialed: 2, closed: 1 })
      await prisma.$disconnect()
      expect(counts).toMatchObject({ dialed: 2, closed: 2 })
    })

    test('leaves a shared connector open, but no connection', async () => {
      const dialer = recordDials((...options) => connector.connect(...options))
      const counts = countConnectors()
      const prisma = open({ connector: dialer, ...login })
      await one(prisma)
      await prisma.$disconnect()
      await vi.waitFor(() => expect(dialer.sockets.map(({ closed }) => closed)).toEqual([true]), often)
      expect(counts).toMatchObject({ dialed: 1, closed: 0 })
      expect(await one(prisma)).toEqual([{ one: 1 }])
    })

    test('is each its own where one adapter serves two Prisma Clients', async () => {
      const counts = countConnectors()
      const adapter = new PrismaAlloyDB({ instance, ...identity, ...login })
      const [first, second] = [openWith(adapter), openWith(adapter)]
      await Promise.all([one(first), one(second)])
      await first.$disconnect()
      expect(counts).toMatchObject({ dialed: 2, closed: 1 })
      expect(await one(second)).toEqual([{ one: 1 }])
    })

    test('lasts until the queries that run are done', async () => {
      const counts = countConnectors()
      const [prisma, observer] = [open({ ...identity, ...login }), open()]
      await one(prisma)
      const slow = prisma.$queryRaw`select pg_sleep(0.2)::text`.then(() => counts.closed)
      await vi.waitFor(async () => {
        const running = await observer.$queryRaw`
          select 1 from pg_stat_activity where query like '%pg_sleep(0.2)%' and pid <> pg_backend_pid()
          and datname = current_database() and state = 'active'`
        expect(running).toHaveLength(1)
      }, often)
      await prisma.$disconnect()
      expect(await slow).toBe(0)
      expect(counts).toMatchObject({ closed: 1 })
    })

    test('closes the connector, too, when the pool cannot be ended', async () => {
      const counts = countConnectors()
      const adapter = await new PrismaAlloyDB({ instance, ...identity, ...login }).connect()
      await adapter.queryRaw({ sql: 'select 1', args: [], argTypes: [] })
      await adapter.underlyingDriver().end()
      expect(counts).toMatchObject({ dialed: 1, closed: 0 })
      expect((await failureOf(adapter.dispose())).message).toContain('end on pool more than once')
      expect(counts).toMatchObject({ dialed: 1, closed: 1 })
    })

    test('closes the connector, too, when no adapter can be made', async () => {
      const connect = vi.spyOn(PrismaPg.prototype, 'connect').mockRejectedValueOnce(new Error('not today'))
      const close = vi.spyOn(Connector.prototype, 'close')
      onTestFinished(() => [connect, close].forEach((spy) => spy.mockRestore()))
      const connecting = new PrismaAlloyDB({ instance, ...identity, ...login }).connect()
      expect((await failureOf(connecting)).message).toBe('not today')
      expect(close).toHaveBeenCalledOnce()
    })

    test('ends, too, while a dial hangs', async () => {
      const fault = emulator.faults.add({ step: 'exchange', stall: true })
      const prisma = open({ ...identity, ...login, connectTimeoutMs: 200 })
      const failure = failureOf(one(prisma))
      await vi.waitFor(() => expect(fault.hits).toBe(1), often)
      await prisma.$disconnect()
      expect(await failure).toMatchObject({ code: 'ALLOYDB_EXCHANGE_TIMEOUT' })
    })
  })

  describe('a dial that fails', () => {
    const summary = `The metadata exchange was refused by the server-side proxy of instance "${instance}"`
    const hint = 'Check that the principal of the credentials has roles/alloydb.client'

    test("is Prisma's error, with the code and the message of the connector's", async () => {
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 3 })
      const prisma = open()
      const queries = [
        () => prisma.customer.findMany(),
        () => one(prisma),
        () => prisma.$transaction([one(prisma) as never]),
      ]
      for (const query of queries) {
        const error = await failureOf(query())
        expect(error).toMatchObject({
          name: expect.stringMatching(/Error$/),
          code: 'ALLOYDB_EXCHANGE_REJECTED',
        })
        expect(error.message).toContain(summary)
        expect(error.message).toContain(hint)
      }
      expect(await one(prisma)).toEqual([{ one: 1 }])
    })

    test('fails an interactive transaction with the error as it is', async () => {
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      const prisma = open()
      const error = await failureOf(prisma.$transaction((transaction) => one(transaction)))
      expect(AlloyDBError.is(error, 'ALLOYDB_EXCHANGE_REJECTED')).toBe(true)
      expect(await prisma.$transaction((transaction) => one(transaction))).toEqual([{ one: 1 }])
    })

    test('for lack of a permission names the role to grant', async () => {
      emulator.faults.add({ step: 'connectionInfo', fail: { status: 403 } })
      const prisma = open({ ...identity, ...login })
      const error = await failureOf(prisma.customer.findMany())
      expect(error).toMatchObject({
        name: 'PrismaClientKnownRequestError',
        code: 'ALLOYDB_PERMISSION_DENIED',
      })
      expect(error.message).toMatch(/Permission denied for instance .*\nGrant roles\/alloydb\.client .* to /)
    })
  })

  describe('a connection that ends', () => {
    test('while it is idle is replaced, and onPoolError told', async () => {
      const onPoolError = vi.fn<(error: Error) => void>()
      const prisma = open({ connector, ...login, max: 1 }, { onPoolError })
      const before = await pidOf(prisma)
      emulator.disconnectAll('FIN')
      await vi.waitFor(() => expect(onPoolError).toHaveBeenCalledTimes(1), often)
      expect(await pidOf(prisma)).not.toBe(before)
    })

    test('between two queries of a transaction fails it, and onConnectionError is told', async () => {
      const ended = Promise.withResolvers<Error>()
      const prisma = open({ connector, ...login, max: 1 }, { onConnectionError: ended.resolve })
      const failure = failureOf(
        prisma.$transaction(async (transaction) => {
          await one(transaction)
          emulator.disconnectAll('FIN')
          await ended.promise
          await one(transaction)
        }),
      )
      expect((await failure).message).toMatch(/not queryable|terminated/)
      expect(await one(prisma)).toEqual([{ one: 1 }])
    })
  })

  describe('IAM login', () => {
    const { database } = login
    const whoAndWhere = (prisma: PrismaClient): Promise<unknown> =>
      prisma.$queryRaw`select current_user::text as user, current_database()::text as database`

    test('needs no user and no password', async () => {
      setEnvironment({ PGUSER: 'nobody', PGPASSWORD: 'wrong' })
      const prisma = open({ connector, authType: 'IAM', database })
      expect(await whoAndWhere(prisma)).toEqual([{ user: 'app@emulator.iam', database }])
    })

    test('follows a shared connector', async () => {
      const shared = new Connector({ ...identity, authType: 'IAM' })
      onTestFinished(() => shared.close())
      const prisma = open({ connector: shared, database })
      expect(await whoAndWhere(prisma)).toEqual([{ user: 'app@emulator.iam', database }])
    })

    test('takes a user who is given, and needs no credentials that tell', async () => {
      const prisma = open({
        connector: { connect: (...options) => connector.connect(...options) },
        authType: 'IAM',
        user: 'app@emulator.iam.gserviceaccount.com',
        database,
      })
      expect(await whoAndWhere(prisma)).toEqual([{ user: 'app@emulator.iam', database }])
    })

    test('fails where nobody tells the user, and is tried anew by the next query', async () => {
      const getIamUser = vi
        .fn<() => Promise<string>>()
        .mockRejectedValueOnce(new AlloyDBError('ALLOYDB_IAM_USER_UNKNOWN', 'Who?', { hint: 'Set `user`.' }))
        .mockImplementation(() => connector.getIamUser())
      const connect: Connector['connect'] = (...options) => connector.connect(...options)
      const prisma = open({ connector: { connect, getIamUser }, authType: 'IAM', database })
      const error = await failureOf(prisma.customer.findMany())
      expect(error).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'ALLOYDB_IAM_USER_UNKNOWN' })
      expect(error.message).toContain('Who?\nSet `user`.')
      await prisma.$disconnect()
      expect(await whoAndWhere(prisma)).toEqual([{ user: 'app@emulator.iam', database }])
    })

    test('does not ask for a password that PostgreSQL wants', async () => {
      const prisma = open({ connector, authType: 'IAM', user: 'postgres', database })
      expect((await failureOf(one(prisma))).message).toMatch(/IAM/)
    })
  })
}
