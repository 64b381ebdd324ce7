import { AlloyDBError, type Dialer } from '@alloydb/core'
import { hang, recordDials } from '@alloydb-tooling/conformance'
import postgres from 'postgres'
import oldestPostgres from 'postgres-3.4.0'
import { describe, expect, test } from 'vitest'
import { createSql, type AlloyDBSqlConfig } from '../src/index.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const connector: Dialer = { connect: hang }

function read(connectionString: string, options: Partial<AlloyDBSqlConfig> = {}): Parsed {
  return createSql({ instance, connector, connectionString, ...options }).options as unknown as Parsed
}

/** What postgres.js has read. */
interface Parsed {
  user: string
  pass: unknown
  database: string
  connection: Record<string, unknown>
  connect_timeout: unknown
}

/** Gives what a config is refused with, and sees that nothing is dialed. */
function refusalOf(connectionString: unknown, options: Partial<AlloyDBSqlConfig> = {}): string {
  const dialer = recordDials(hang)
  try {
    createSql({ instance, connector: dialer, ...options, connectionString } as AlloyDBSqlConfig)
  } catch (error) {
    if (!AlloyDBError.is(error, 'ALLOYDB_INVALID_OPTION')) throw error
    expect(error.instance).toBe(instance)
    expect(dialer.options).toEqual([])
    return error.message
  }
  throw new Error('it was taken')
}

describe.each([
  ['the newest postgres.js', postgres],
  ['postgres.js 3.4.0', oldestPostgres],
])('is read as %s does', (_, postgres) => {
  test.each([
    ['app:secret@', 'shop'],
    ['app:secret@', 'shop?application_name=the%20shop&statement_timeout=5000'],
    ['app@', 'shop?options=-c%20search_path%3Dorders&search_path=orders&lock_timeout=100'],
    ['app@', 'shop?connect_timeout=5&idle_timeout=2.5&max_lifetime=60'],
    ['app%40shop.iam:s%3Ae%2Fc%40r%23e%3Ft%25@', 'shop'],
  ])('postgres://%s/%s', (login, database) => {
    const { user, pass, connection, ...expected } = postgres(`postgres://${login}host/${database}`)
      .options as unknown as Parsed
    expect(read(`postgres://${login}/${database}`)).toMatchObject({
      user,
      pass,
      connection,
      database: expected.database,
      connect_timeout: expected.connect_timeout,
    })
  })
})

describe('a connection string', () => {
  test('may leave parts to other options', () => {
    const url = 'postgres:///shop?application_name=shop'
    const connection = { search_path: 'orders' }
    const login = { user: 'app', database: 'shop' }
    expect(read(url, { user: 'app', password: 'secret', connection })).toMatchObject({
      ...login,
      pass: 'secret',
      connection: { application_name: 'shop', search_path: 'orders' },
    })
    expect(read('postgres://app@', { db: 'shop' })).toMatchObject(login)
  })

  test('may say what another option says too', () => {
    const options = { username: 'app', connect_timeout: 5, connection: { statement_timeout: 50 } }
    expect(read('postgres://app@/?connect_timeout=5&statement_timeout=50', options).user).toBe('app')
  })

  test("leaves the user's own options as they are", () => {
    const connection = {}
    read('postgres://app@/shop?application_name=shop', { connection })
    expect(connection).toEqual({})
  })

  test('gives the user of an IAM login, as AlloyDB names it', () => {
    const url = 'postgres://app%40p.iam.gserviceaccount.com@/shop'
    expect(read(url, { authType: 'IAM' })).toMatchObject({ user: 'app@p.iam', database: 'shop' })
  })

  test.each<[string, unknown, string, Partial<AlloyDBSqlConfig>?]>([
    ['a host', 'postgres://app@localhost/shop', '"connectionString" has a host'],
    ['a port', 'postgres:///shop?port=5432', '"connectionString" has a port'],
    ['several hosts', 'postgres://app@one,other/shop', '"connectionString" has a host'],
    ['sslmode', 'postgres://app@/shop?sslmode=require', 'has the parameter "sslmode"'],
    ['an option that is no text', 'postgres://app@/shop?max=5', 'has the parameter "max"'],
    [
      'a parameter of another driver',
      'postgres://app@/shop?query_timeout=5',
      'has the parameter "query_timeout"',
    ],
    ['another form', 'host=localhost user=app', '"connectionString" is not a postgres:// URL'],
    ['a password beside IAM login', 'postgres://a:b@/', '"password" stands beside IAM', { authType: 'IAM' }],
    ['another user', 'postgres://app@/', '"user" differs', { username: 'other' }],
    ['another password', 'postgres://app:secret@/', '"password" differs', { pass: () => 'secret' }],
    ['another database', 'postgres://app@/shop', '"database" differs', { db: 'other' }],
    ['another limit', 'postgres:///?connect_timeout=5', '"connect_timeout" differs', { connect_timeout: 6 }],
    [
      'another parameter of the session',
      'postgres://app@/shop?application_name=shop',
      '"connection.application_name" differs',
      { connection: { application_name: 'other' } },
    ],
  ])('with %s is refused', (_, connectionString, message, options) => {
    const refusal = refusalOf(connectionString, options)
    expect(refusal).toContain(
      `The option ${message.startsWith('"') ? message : `"connectionString" ${message}`}`,
    )
    expect(refusal).not.toContain('secret')
  })
})
