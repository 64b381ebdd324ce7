import { AlloyDBError, type Dialer } from '@alloydb/core'
import { hang, recordDials } from '@alloydb-tooling/conformance'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { describe, expect, test } from 'vitest'
import { checkPoolConfig } from '../src/adapter.ts'
import { createClient, createPool, type AlloyDBPoolConfig } from '../src/index.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const connector: Dialer = { connect: hang }

function open(connectionString: string, options: Partial<AlloyDBPoolConfig> = {}): pg.Client {
  return createClient({ instance, connector, connectionString, ...options })
}

/** Gives what a config is refused with, and sees that all who take it refuse it alike, and dial nothing. */
function refusalOf(connectionString: unknown, options: Partial<AlloyDBPoolConfig> = {}): string {
  const dialer = recordDials(hang)
  const config = { instance, connector: dialer, ...options, connectionString } as AlloyDBPoolConfig
  const messages = [createPool, createClient, checkPoolConfig].map((take) => {
    try {
      take(config)
    } catch (error) {
      if (AlloyDBError.is(error, 'ALLOYDB_INVALID_OPTION') && error.instance === instance)
        return error.message
      throw error
    }
    throw new Error('it was taken')
  })
  expect(new Set(messages).size).toBe(1)
  expect(dialer.options).toEqual([])
  return messages[0] ?? ''
}

describe.each([
  ['the newest pg', pg],
  ['pg 8.9', oldestPg],
])('is read as %s does', (_, { Client }) => {
  test.each([
    'postgres://app:secret@/shop',
    'postgresql://app@/shop',
    'postgres://app:secret@/shop?application_name=the%20shop&statement_timeout=5000',
    'postgres://app:secret@/shop?options=-c%20search_path%3Dorders&client_encoding=LATIN1',
    'postgres://app%40shop.iam:s%3Ae%2Fc%40r%23e%3Ft%25@/sh%C3%B6p',
    'postgres://app:a b+c=d&e@/the%20shop',
  ])('%s', (connectionString) => {
    const { user, password, database, connectionParameters: parameters } = open(connectionString) as Parsed
    const expected = new Client({ connectionString }) as Parsed
    expect({ user, password, database }).toEqual({
      user: expected.user,
      password: expected.password,
      database: expected.database,
    })
    const { application_name, statement_timeout, options, client_encoding } = expected.connectionParameters
    expect(parameters).toMatchObject({ application_name, statement_timeout, options, client_encoding })
  })
})

/** What pg has read. */
interface Parsed extends pg.Client {
  connectionParameters: Record<string, unknown>
}

describe('a connection string', () => {
  test('may leave parts to other options', () => {
    const { user, password, database } = open('postgres:///shop?application_name=shop', {
      user: 'app',
      password: 'secret',
    })
    expect({ user, password, database }).toEqual({ user: 'app', password: 'secret', database: 'shop' })
    expect(open('postgres://app@', { database: 'shop' })).toMatchObject({ user: 'app', database: 'shop' })
  })

  test('may say what another option says too', () => {
    expect(open('postgres://app@/shop?query_timeout=50', { user: 'app', query_timeout: 50 }).user).toBe('app')
  })

  test('is taken apart: the options of the pool have the parts', () => {
    const { options } = createPool({ instance, connector, connectionString: 'postgres://app@/shop', max: 3 })
    expect(options).toMatchObject({ user: 'app', database: 'shop', max: 3 })
    expect(options).not.toHaveProperty('connectionString')
    expect(createPool({ instance, connector, connectionString: undefined, user: 'app' }).options.user).toBe(
      'app',
    )
  })

  test('gives the user of an IAM login, as AlloyDB names it', () => {
    const connectionString = 'postgres://app%40p.iam.gserviceaccount.com@/shop'
    expect(open(connectionString, { authType: 'IAM' })).toMatchObject({ user: 'app@p.iam', database: 'shop' })
  })

  test('gives no password to an IAM login', () => {
    expect(refusalOf('postgres://app:secret@/shop', { authType: 'IAM' })).toBe(
      'The option "password" stands beside IAM login.\nRemove `password`, or set `authType` to "PASSWORD".',
    )
  })

  test.each([
    'sslmode=require',
    'sslmode=disable',
    'ssl=true',
    'sslcert=/nowhere.pem',
    'sslkey=/nowhere.key',
    'sslrootcert=system',
    'sslnegotiation=direct',
    'uselibpqcompat=true',
    '%73slmode=require',
  ])('with %s is refused, and nothing is read', (parameter) => {
    const name = decodeURIComponent(parameter).split('=')[0]
    expect(refusalOf(`postgres://app:secret@/shop?application_name=shop&${parameter}`)).toBe(
      `The option "connectionString" has the parameter "${name}".\n` +
        'Remove it: the channel is already encrypted and verified.',
    )
  })

  test.each([
    ['postgres://app:secret@localhost/shop', 'host'],
    ['postgres://localhost', 'host'],
    ['postgres://[::1]/shop', 'host'],
    ['postgres://%2Fcloudsql%2Finstance/shop', 'host'],
    ['postgres://app:secret@host:5432/shop', 'port'],
    ['postgres:///shop?host=/cloudsql/instance', 'host'],
    ['postgres:///shop?hostaddr=10.0.0.1', 'hostaddr'],
    ['postgres:///shop?port=5432', 'port'],
  ])('that says where to connect is refused: %s', (connectionString, part) => {
    expect(refusalOf(connectionString)).toBe(
      `The option "connectionString" has a ${part}, and the instance URI says where to connect.\n` +
        'Write it without one: postgres://user:password@/database.',
    )
  })

  test.each([
    'shop',
    '',
    'mysql://app:secret@/shop',
    'host=localhost user=app',
    '/var/run/postgresql shop',
    'socket:/var/run/postgresql?db=shop',
    'postgres:shop',
    'postgres://app:secret@:5432/shop',
    'postgres://app:sec#ret@/shop',
    'postgres://app:sec/ret@/shop',
    'postgres://app:100%@/shop',
    'postgres://app:secret@/shop#fragment',
    42,
    null,
  ])('that is none is refused: %j', (connectionString) => {
    expect(refusalOf(connectionString)).toBe(
      'The option "connectionString" is not a postgres:// URL.\n' +
        'Write postgres://user:password@/database, with %40 for @, %2F for / and the like in its parts.',
    )
  })

  test.each(['stream', 'ipType', 'instance', 'max', 'user', 'applicationname', '__proto__'])(
    'with a parameter that is not for it is refused: %s',
    (name) => {
      expect(refusalOf(`postgres://app@/shop?${name}=x`)).toContain(
        `The option "connectionString" has the parameter "${name}", which cannot stand there.\nRemove it`,
      )
    },
  )

  test.each([
    ['user', { user: 'other' }],
    ['password', { password: 'other' }],
    ['password', { password: () => 'secret' }],
    ['database', { database: 'other' }],
    ['application_name', { application_name: 'other' }],
  ])('that contradicts the option %s is refused, without a word of the password', (name, options) => {
    const message = refusalOf('postgres://app:secret@/shop?application_name=shop', options)
    expect(message).toBe(
      `The option "${name}" differs from what the connection string says.\nGive "${name}" in one of the two places.`,
    )
  })
})
