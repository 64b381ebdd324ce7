import { AlloyDBError } from '@alloydb/core'
import { countConnectors, failureOf, type Harness } from '@alloydb-tooling/conformance'
import { DrizzleQueryError, eq, sql, TransactionRollbackError } from 'drizzle-orm'
import { withReplicas } from 'drizzle-orm/pg-core'
import { fileURLToPath } from 'node:url'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AlloyDBDatabase, AlloyDBDrizzleConfig, drizzle } from '../src/index.ts'
import { customers, orders } from './schema.ts'

const often = { interval: 5, timeout: 5_000 }

export type Connection = AlloyDBDrizzleConfig['connection']

/** One of the entry points, with one version of drizzle-orm. */
export interface Subject {
  /** What the test's database is called. */
  readonly name: string
  readonly drizzle: typeof drizzle
  readonly migrate: (db: AlloyDBDatabase, config: { migrationsFolder: string }) => Promise<unknown>
  /** The migrations in that version's own form. */
  readonly migrations: URL
  /** Makes a database that knows the relations, and asks it for the customers with their orders. */
  readonly findCustomersWithOrders: (
    connection: Connection,
  ) => Promise<{ name: string; orders: { item: string }[] }[]>
  /** The options that say where to connect, which are not the user's to give. */
  readonly reservedOptions: readonly string[]
}

/** The rows of a result as the entry's driver gives it: pg's, or postgres.js's list. */
function rowsOf(result: unknown): unknown {
  return Array.isArray(result) ? [...(result as unknown[])] : (result as { rows: unknown[] }).rows
}

/** What is the same for all entry points, on all versions of drizzle-orm. */
export function testDrizzle(harness: Harness, subjects: readonly Subject[]): void {
  describe.each(subjects)('$name', (subject) => {
    testSubject(harness, subject)
  })
}

function testSubject({ emulator, instance, login, identity, connector }: Harness, subject: Subject): void {
  const database = subject.name
  const readPool = emulator.instances.find(({ instanceType }) => instanceType === 'READ_POOL')?.uri ?? ''
  const shared = { connector, instance, ...login, database }
  const own = { ...identity, instance, ...login, database }
  const one = sql`select 1 as one`

  /** A database whose client is ended after the test. */
  function open(
    connection: Partial<Connection> = shared,
    config: Omit<AlloyDBDrizzleConfig, 'connection'> = {},
  ): AlloyDBDatabase {
    const db = subject.drizzle({ connection: { instance, ...connection }, ...config })
    onTestFinished(() => end(db))
    return db
  }

  /** Ends a client that may have ended before: pg refuses to do that twice. */
  async function end(db: AlloyDBDatabase): Promise<void> {
    if (db.$client.ended !== true) await db.$client.end()
  }

  const migrate = async (db: AlloyDBDatabase): Promise<unknown> =>
    subject.migrate(db, { migrationsFolder: fileURLToPath(subject.migrations) })

  beforeAll(async () => {
    const admin = subject.drizzle({ connection: { ...shared, database: login.database } })
    await admin.execute(sql.raw(`create database ${database}`))
    await admin.execute(sql.raw(`alter database ${database} set client_min_messages = warning`))
    await admin.$client.end()
    const db = subject.drizzle({ connection: shared })
    await migrate(db)
    await db.$client.end()
  })

  describe('queries', () => {
    beforeEach(async () => {
      await open().execute(sql`truncate orders, customers restart identity`)
    })

    test('insert, select, update and delete, with parameters of many types', async () => {
      const db = open()
      const paidAt = new Date('2026-11-22T12:00:00.123Z')
      const item = `tea'; drop table orders; --`
      const inserted = await db
        .insert(orders)
        .values([{ item, tags: ['a', 'b,"c"'], paidAt }, { item: 'kæffe ☕' }])
        .returning({ id: orders.id })
      expect(inserted).toEqual([{ id: 1 }, { id: 2 }])
      expect(await db.select().from(orders).where(eq(orders.item, item))).toEqual([
        { id: 1, customerId: null, item, tags: ['a', 'b,"c"'], paidAt },
      ])
      await db.update(orders).set({ item: 'tea' }).where(eq(orders.id, 1))
      await db.delete(orders).where(eq(orders.id, 2))
      expect(await db.select({ item: orders.item }).from(orders)).toEqual([{ item: 'tea' }])
      expect(await db.$count(orders)).toBe(1)
    })

    test('follow relations', async () => {
      const db = open()
      await db.insert(customers).values([{ name: 'Ada' }, { name: 'Grace' }])
      await db.insert(orders).values({ item: 'tea', customerId: 1 })
      const found = await subject.findCustomersWithOrders(shared)
      expect(found.toSorted((one, another) => one.name.localeCompare(another.name))).toEqual([
        { name: 'Ada', orders: [{ item: 'tea' }] },
        { name: 'Grace', orders: [] },
      ])
    })

    test('are prepared once, and run with other parameters', async () => {
      const db = open()
      await db.insert(orders).values([{ item: 'tea' }, { item: 'coffee' }])
      const prepared = db
        .select({ item: orders.item })
        .from(orders)
        .where(eq(orders.id, sql.placeholder('id')))
        .prepare('item_of')
      expect(await prepared.execute({ id: 1 })).toEqual([{ item: 'tea' }])
      expect(await prepared.execute({ id: 2 })).toEqual([{ item: 'coffee' }])
    })

    test("are told to Drizzle's logger", async () => {
      const logQuery = vi.fn<(query: string, parameters: unknown[]) => void>()
      await open(shared, { logger: { logQuery } }).select().from(orders).where(eq(orders.item, 'tea'))
      expect(logQuery).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('from "orders"'), ['tea'])
    })

    test('commit a transaction, and roll back a part of it', async () => {
      const db = open()
      await db.transaction(
        async (transaction) => {
          await transaction.insert(orders).values({ item: 'tea' })
          const part = transaction.transaction(async (nested) => {
            await nested.insert(orders).values({ item: 'coffee' })
            nested.rollback()
          })
          expect(await failureOf(part)).toBeInstanceOf(TransactionRollbackError)
          expect(rowsOf(await transaction.execute(sql`show transaction_isolation`))).toEqual([
            { transaction_isolation: 'serializable' },
          ])
          expect(await db.$count(orders)).toBe(0)
        },
        { isolationLevel: 'serializable' },
      )
      expect(await db.select({ item: orders.item }).from(orders)).toEqual([{ item: 'tea' }])
    })

    test('roll back a transaction that throws', async () => {
      const db = open()
      const reason = new Error('changed my mind')
      const failure = failureOf(
        db.transaction(async (transaction) => {
          await transaction.insert(orders).values({ item: 'tea' })
          throw reason
        }),
      )
      expect(await failure).toBe(reason)
      expect(await db.$count(orders)).toBe(0)
    })
  })

  test('migrates from files, each once', async () => {
    const db = open()
    await migrate(db)
    const migrations = await db.execute(sql`select hash from drizzle.__drizzle_migrations`)
    expect(rowsOf(migrations)).toHaveLength(2)
  })

  test('reads from a read pool and writes to the primary, by one connector', async () => {
    const primary = open()
    const replica = open({ ...shared, instance: readPool })
    const db = withReplicas(primary, [replica])
    // Since 1.0, one asks for a replica; 0.45 sends all reads to one.
    const reader = '$replica' in db ? (db.$replica as AlloyDBDatabase) : db
    const isReadOnly = sql<string>`current_setting('transaction_read_only')`
    expect(await db.insert(customers).values({ name: 'Katherine' }).returning({ isReadOnly })).toEqual([
      { isReadOnly: 'off' },
    ])
    const { name } = customers
    expect(await reader.select({ name, isReadOnly }).from(customers).where(eq(name, 'Katherine'))).toEqual([
      { name: 'Katherine', isReadOnly: 'on' },
    ])
    const refused = await failureOf(replica.insert(customers).values({ name: 'Dorothy' }).execute())
    expect(refused.cause).toMatchObject({ code: '25006' })
  })

  describe('a config without sense is refused at once', () => {
    const refusal = (config: unknown): unknown => {
      try {
        subject.drizzle(config as AlloyDBDrizzleConfig)
      } catch (error) {
        return error
      }
      return undefined
    }

    test.each([
      ['of no config', undefined, 'Invalid config: it is of type undefined.'],
      [
        'of a connection string',
        'postgres://app:hidden@host/shop',
        'Invalid config: it is a connection string.',
      ],
      ['of a connection that is missing', { schema: {} }, 'Invalid connection: it is missing.'],
      [
        'of a connection that is a string',
        { connection: 'postgres://app:hidden@host/shop' },
        'Invalid connection: it is a connection string.',
      ],
      [
        'of a connection that has a URL',
        { connection: { instance, url: 'postgres://app:hidden@host/shop' } },
        'The option "url" is not for AlloyDB connections.',
      ],
      [
        'of a logger that is none of Drizzle',
        { logger: console, connection: { instance } },
        'The option "logger" is no logger of Drizzle',
      ],
      ['of a client', { client: {} }, 'The option "client" is not for AlloyDB connections.'],
      ['of a client beside a connection', { client: {}, connection: { instance } }, 'The option "client"'],
      ['of an instance in the wrong place', { instance }, 'The option "instance" stands beside `connection`'],
      ['of a wrong connector option', { connection: { instance, connectTimeoutMs: -1 } }, 'connectTimeoutMs'],
      [
        'of a password beside IAM login',
        { connection: { ...own, authType: 'IAM' } },
        'The option "password"',
      ],
      [
        'of an option beside a connector',
        { connection: { ...shared, auth: identity.auth } },
        'The option "auth" stands beside',
      ],
    ])('because %s', (_, config, message) => {
      const error = refusal(config)
      expect(error).toMatchObject({
        code: 'ALLOYDB_INVALID_OPTION',
        message: expect.stringContaining(message) as string,
      })
      expect(String(error)).not.toContain('hidden')
    })

    test.each(subject.reservedOptions)('because of the option %s', (name) => {
      const error = refusal({ connection: { instance, [name]: 'localhost' } })
      expect(error).toMatchObject({
        code: 'ALLOYDB_INVALID_OPTION',
        summary: `The option "${name}" is not for AlloyDB connections.`,
      })
    })

    test.each([[{}], [{ instance: 'my-instance' }]])('because of the instance in %o', (connection) => {
      expect(refusal({ connection })).toMatchObject({ code: 'ALLOYDB_INVALID_INSTANCE_URI' })
    })
  })

  describe('its life', () => {
    test('may begin with a connection string', async () => {
      const { user, password } = login
      const connectionString = `postgres://${user}:${password}@/${encodeURIComponent(database)}`
      const db = open({ connector, connectionString })
      expect(rowsOf(await db.execute(one))).toEqual([{ one: 1 }])
    })

    test('begins with the first query', async () => {
      const before = emulator.requests.length
      const db = open(own)
      expect(emulator.requests).toHaveLength(before)
      expect(rowsOf(await db.execute(one))).toEqual([{ one: 1 }])
      expect(emulator.requests.length).toBeGreaterThan(before)
    })

    test('ends with $client.end(), which closes the connector that it made', async () => {
      const counts = countConnectors()
      const db = open(own)
      await Promise.all([db.execute(one), db.execute(one)])
      expect(counts.closed).toBe(0)
      await db.$client.end()
      expect(counts.closed).toBe(1)
      expect(await failureOf(db.execute(one).execute())).toBeInstanceOf(Error)
    })

    test('leaves a shared connector open', async () => {
      const counts = countConnectors()
      const first = open()
      await first.execute(one)
      await first.$client.end()
      expect(counts.closed).toBe(0)
      expect(rowsOf(await open().execute(one))).toEqual([{ one: 1 }])
    })
  })

  describe('failures', () => {
    test('of PostgreSQL are the cause of a DrizzleQueryError', async () => {
      const error = await failureOf(
        open()
          .execute(sql`select 1/0`)
          .execute(),
      )
      expect(error).toBeInstanceOf(DrizzleQueryError)
      expect(error.cause).toMatchObject({ code: '22012' })
    })

    test('of a dial are the cause of one, and later queries connect anew', async () => {
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      const db = open()
      const error = await failureOf(db.select().from(orders).execute())
      expect(error).toBeInstanceOf(DrizzleQueryError)
      expect(AlloyDBError.is(error.cause, 'ALLOYDB_EXCHANGE_REJECTED')).toBe(true)
      await vi.waitFor(async () => expect(rowsOf(await db.execute(one))).toEqual([{ one: 1 }]), often)
    })

    test('of the dial for a transaction are passed on, and the next transaction connects anew', async () => {
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      const db = open()
      const begin = async (): Promise<unknown> =>
        db.transaction(async (transaction) => transaction.execute(one))
      const error = await failureOf(begin())
      expect(AlloyDBError.is(error, 'ALLOYDB_EXCHANGE_REJECTED')).toBe(true)
      expect(rowsOf(await begin())).toEqual([{ one: 1 }])
    })
  })
}
