import { Connector } from '@alloydb/core'
import {
  Kysely,
  PostgresDialect,
  sql,
  type DatabaseConnection,
  type Generated,
  type RawBuilder,
} from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { channel } from 'node:diagnostics_channel'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import Cursor from 'pg-cursor'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { AlloyDBDialect, type AlloyDBDialectConfig } from '../src/index.ts'
import { countConnectors, failureOf, type Harness } from '@alloydb-tooling/conformance'

interface Database {
  orders: {
    id: Generated<number>
    item: string
    count: number
    tags: string[] | null
    paid_at: Date | null
  }
}

const often = { interval: 5, timeout: 5_000 }

/** What is the same on all versions of Kysely. */
export function testAlloyDBDialect({ emulator, instance, login, identity, connector }: Harness): void {
  /** A Kysely instance that is destroyed after the test. */
  function open(config: Partial<AlloyDBDialectConfig> = { connector, ...login }): Kysely<Database> {
    const db = new Kysely<Database>({ dialect: new AlloyDBDialect({ instance, ...config }) })
    onTestFinished(() => db.destroy())
    return db
  }

  const one: RawBuilder<{ one: number }> = sql`select 1 as one`

  beforeAll(async () => {
    const db = new Kysely({ dialect: new AlloyDBDialect({ instance, connector, ...login }) })
    await db.schema
      .createTable('orders')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('item', 'text', (column) => column.notNull())
      .addColumn('count', 'integer', (column) => column.notNull())
      .addColumn('tags', sql`text[]`)
      .addColumn('paid_at', 'timestamptz')
      .execute()
    await db.destroy()
  })

  describe('queries', () => {
    let db: Kysely<Database>
    beforeEach(async () => {
      db = open({ connector, ...login, cursor: Cursor })
      await sql`truncate orders restart identity`.execute(db)
    })

    test('insert, select, update and delete, with parameters of many types', async () => {
      const paidAt = new Date('2026-11-22T12:00:00.123Z')
      const item = `tea'; drop table orders; --`
      const inserted = await db
        .insertInto('orders')
        .values([
          { item, count: 3, tags: ['a', 'b,"c"'], paid_at: paidAt },
          { item: 'kæffe ☕', count: -1 },
        ])
        .returning('id')
        .execute()
      expect(inserted).toEqual([{ id: 1 }, { id: 2 }])

      expect(await db.selectFrom('orders').selectAll().where('item', '=', item).execute()).toEqual([
        { id: 1, item, count: 3, tags: ['a', 'b,"c"'], paid_at: paidAt },
      ])
      const updated = await db
        .updateTable('orders')
        .set({ count: 5 })
        .where('count', '<', 10)
        .executeTakeFirstOrThrow()
      expect(updated.numUpdatedRows).toBe(2n)
      const deleted = await db.deleteFrom('orders').where('item', 'like', 'k%').executeTakeFirstOrThrow()
      expect(deleted.numDeletedRows).toBe(1n)
      const rows = await db.selectFrom('orders').select(['item', 'count', 'paid_at']).execute()
      expect(rows).toEqual([{ item, count: 5, paid_at: paidAt }])
    })

    test('stream', async () => {
      const numbers = sql<{ n: number }>`(select n from generate_series(1, 1000) as n)`
      const query = db.selectFrom(numbers.as('numbers')).select('n').orderBy('n')
      const received: number[] = []
      for await (const { n } of query.stream(100)) received.push(n)
      expect(received).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))

      for await (const { n } of query.stream(100)) if (n === 150) break
      expect((await one.execute(db)).rows).toEqual([{ one: 1 }])
    })

    test('introspect the schema', async () => {
      const tables = await db.introspection.getTables()
      const orders = tables.find(({ name }) => name === 'orders')
      expect(
        orders?.columns.map(({ name, dataType, isNullable }) => ({ name, dataType, isNullable })),
      ).toEqual([
        { name: 'id', dataType: 'int4', isNullable: false },
        { name: 'item', dataType: 'text', isNullable: false },
        { name: 'count', dataType: 'int4', isNullable: false },
        { name: 'tags', dataType: '_text', isNullable: true },
        { name: 'paid_at', dataType: 'timestamptz', isNullable: true },
      ])
    })
  })

  test('migrates up and down', async () => {
    const db = open()
    const migrationFolder = fileURLToPath(new URL('migrations', import.meta.url))
    const migrator = new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }) })
    const columnsOf = async (table: string): Promise<string[] | undefined> =>
      (await db.introspection.getTables()).find(({ name }) => name === table)?.columns.map(({ name }) => name)

    const up = await migrator.migrateTo('002-names')
    expect(up).toEqual({
      results: [
        { migrationName: '001-customers', direction: 'Up', status: 'Success' },
        { migrationName: '002-names', direction: 'Up', status: 'Success' },
      ],
    })
    expect(await columnsOf('customers')).toEqual(['id', 'name'])

    expect(await migrator.migrateToLatest()).toMatchObject({ error: { code: '42701' } })
    expect(await columnsOf('customers')).toEqual(['id', 'name'])
    expect((await migrator.getMigrations()).map(({ executedAt }) => executedAt !== undefined)).toEqual([
      true,
      true,
      false,
    ])

    await migrator.migrateDown()
    expect(await columnsOf('customers')).toEqual(['id'])
    await migrator.migrateDown()
    expect(await columnsOf('customers')).toBeUndefined()
  })

  test("is Kysely's own PostgresDialect", () => {
    expect(new AlloyDBDialect({ instance })).toBeInstanceOf(PostgresDialect)
  })

  test('passes the options of pg.Pool on', async () => {
    const db = open({ connector, ...login, application_name: 'shop', max: 1 })
    const name = sql<{
      name: string
    }>`select current_setting('application_name') as name, pg_backend_pid() as pid`
    const results = await Promise.all([name.execute(db), name.execute(db)])
    expect(results[0].rows).toMatchObject([{ name: 'shop' }])
    expect(results[1].rows).toEqual(results[0].rows)
  })

  test('calls onCreateConnection once, and onReserveConnection each time', async () => {
    const onCreateConnection = vi.fn<(connection: DatabaseConnection) => Promise<void>>(
      async (connection) => {
        await connection.executeQuery(sql`set my.setting = '42'`.compile(db))
      },
    )
    const onReserveConnection = vi.fn<(connection: DatabaseConnection) => Promise<void>>(async () => {})
    const db = open({ connector, ...login, max: 1, onCreateConnection, onReserveConnection })
    await one.execute(db)
    const { rows } = await sql`select current_setting('my.setting') as setting`.execute(db)
    expect(rows).toEqual([{ setting: '42' }])
    expect(onCreateConnection).toHaveBeenCalledTimes(1)
    expect(onReserveConnection).toHaveBeenCalledTimes(2)
  })

  describe('a bad config', () => {
    test.each([
      ['a malformed instance URI', { instance: 'my-instance' }, 'ALLOYDB_INVALID_INSTANCE_URI'],
      ['host', { host: 'localhost' }, 'ALLOYDB_INVALID_OPTION'],
      ['connectionString', { connectionString: 'postgres://localhost' }, 'ALLOYDB_INVALID_OPTION'],
      ['ssl', { ssl: true }, 'ALLOYDB_INVALID_OPTION'],
      ['an unknown ipType', { ipType: 'LOCAL' }, 'ALLOYDB_INVALID_OPTION'],
      ['a wrong connector option', { connectTimeoutMs: -1 }, 'ALLOYDB_INVALID_OPTION'],
      ['a password beside IAM login', { authType: 'IAM', password: 'x' }, 'ALLOYDB_INVALID_OPTION'],
      [
        'a connector option beside a shared connector',
        { connector, refreshStrategy: 'lazy' },
        'ALLOYDB_INVALID_OPTION',
      ],
    ])('is refused by the constructor: %s', (_, config, code) => {
      expect(() => new AlloyDBDialect({ instance, ...config } as AlloyDBDialectConfig)).toThrow(
        expect.objectContaining({ code }),
      )
    })

    test('is refused by the constructor: none at all', () => {
      expect(() => new AlloyDBDialect(undefined as unknown as AlloyDBDialectConfig)).toThrow(
        expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
      )
    })
  })

  describe('its life', () => {
    test('begins with the first query: before, there is no connector', async () => {
      const debug = vi.fn<(message: string) => void>()
      const connectorExists = (): boolean => channel('alloydb:cache').hasSubscribers // a connector's logger is one
      const db = open({ ...identity, ...login, logger: { debug, warn: debug } })
      expect(connectorExists()).toBe(false)
      await db.destroy()
      expect((await one.execute(db)).rows).toEqual([{ one: 1 }]) // as with Kysely's own dialects
      expect(connectorExists()).toBe(true)
      await db.destroy()
      expect(connectorExists()).toBe(false)
    })

    test('ends with destroy(), which closes the connector that it made', async () => {
      const counts = countConnectors()
      const db = open({ ...identity, ...login })
      await Promise.all([one.execute(db), one.execute(db)])
      expect(counts).toMatchObject({ dialed: 1, closed: 0 })
      await db.destroy()
      expect(counts).toMatchObject({ dialed: 1, closed: 1 })
      await db.destroy()
      expect((await failureOf(one.execute(db))).message).toBe('driver has already been destroyed')
    })

    test('leaves a shared connector open', async () => {
      const counts = countConnectors()
      const first = open()
      await one.execute(first)
      await first.destroy()
      expect(counts).toMatchObject({ dialed: 1, closed: 0 })
      expect((await one.execute(open())).rows).toEqual([{ one: 1 }])
    })

    test('is each its own where one dialect serves two Kysely instances', async () => {
      const counts = countConnectors()
      const dialect = new AlloyDBDialect({ instance, ...identity, ...login })
      const [first, second] = [new Kysely<Database>({ dialect }), new Kysely<Database>({ dialect })]
      await Promise.all([one.execute(first), one.execute(second)])
      await first.destroy()
      expect(counts).toMatchObject({ dialed: 2, closed: 1 })
      expect((await one.execute(second)).rows).toEqual([{ one: 1 }])
      await second.destroy()
      expect(counts.closed).toBe(2)
    })

    test('lasts until the queries that run are done', async () => {
      const counts = countConnectors()
      const db = open({ ...identity, ...login })
      await one.execute(db)
      const slow = sql`select pg_sleep(0.2)`.execute(db).then(() => counts.closed)
      await vi.waitFor(async () => {
        const { rows } = await sql`
          select from pg_stat_activity where query like '%pg_sleep(0.2)%' and pid <> pg_backend_pid()
          and datname = current_database() and state = 'active'`.execute(open())
        expect(rows).toHaveLength(1)
      }, often)
      await db.destroy()
      expect(await slow).toBe(0)
      expect(counts.closed).toBe(1)
    })

    test('ends, too, while a connection is being opened', async () => {
      const counts = countConnectors()
      const db = open({ ...identity, ...login })
      const outcome = Promise.allSettled([one.execute(db)])
      await db.destroy()
      expect(counts.closed).toBe(counts.dialed)
      const [{ status }] = await outcome
      expect(['fulfilled', 'rejected']).toContain(status) // versions differ, but it has an outcome
    })

    test('ends, too, while a dial hangs', async () => {
      const fault = emulator.faults.add({ step: 'exchange', stall: true })
      const db = open({ ...identity, ...login, connectTimeoutMs: 200 })
      const failure = failureOf(one.execute(db))
      await vi.waitFor(() => expect(fault.hits).toBe(1), often)
      await db.destroy()
      expect(await failure).toMatchObject({ code: 'ALLOYDB_EXCHANGE_TIMEOUT' })
    })
  })

  describe('failures', () => {
    test('of a connection in use, between two queries of a transaction, fail the transaction', async () => {
      const db = open({ connector, ...login, max: 1 })
      const failure = failureOf(
        db.transaction().execute(async (transaction) => {
          await one.execute(transaction)
          emulator.disconnectAll('FIN')
          await new Promise((resolve) => setTimeout(resolve, 50))
          await one.execute(transaction)
        }),
      )
      expect((await failure).message).toMatch(/not queryable|terminated/)
      expect((await one.execute(db)).rows).toEqual([{ one: 1 }])
    })
  })

  describe('IAM login', () => {
    const whoAndWhere = sql`select current_user as user, current_database() as database`
    const { database } = login

    test('follows a shared connector', async () => {
      const shared = new Connector({ ...identity, authType: 'IAM' })
      onTestFinished(() => shared.close())
      const db = open({ connector: shared, database })
      expect((await whoAndWhere.execute(db)).rows).toEqual([{ user: 'app@emulator.iam', database }])
    })
  })
}
