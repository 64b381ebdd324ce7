import { describe, expect, test } from 'vitest'
import { bindDialer, checkAdapterConfig, openAdapter } from '../src/adapter.ts'
import { Connector, type Dialer } from '../src/index.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const reserved = ['host', 'ssl']
const refused = (summary: string) =>
  expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION', summary }) as Error
const dialer: Dialer = { connect: () => Promise.reject(new Error('not here')) }

describe('openAdapter', () => {
  test("takes a config apart into the connector's options and the driver's own", async () => {
    const adapter = openAdapter(
      {
        instance,
        ipType: 'public',
        authType: undefined,
        user: 'app',
        password: 'x',
        max: 5,
        database: undefined,
      },
      reserved,
    )
    expect(adapter.driverOptions).toEqual({ user: 'app', password: 'x', max: 5 })
    expect(adapter.connectOptions).toEqual({ ipType: 'public', authType: undefined })
    expect(adapter).toMatchObject({ instance, user: 'app', usesIam: false })
    expect(adapter.dialer).toBeInstanceOf(Connector)
    await adapter.close()
    await expect(adapter.dialer.connect(instance)).rejects.toMatchObject({ code: 'ALLOYDB_CONNECTOR_CLOSED' })
  })

  test('leaves a shared connector open, and asks it for other ways to connect', async () => {
    const connector = new Connector()
    const adapter = openAdapter(
      { instance, connector, ipType: 'PSC', authType: 'IAM', user: 'ada@example.com' },
      reserved,
    )
    expect(adapter.dialer).toBe(connector)
    expect(adapter.connectOptions).toEqual({ ipType: 'PSC', authType: 'IAM' })
    await adapter.close()
    await connector.close()
  })

  test.each<[string, object, string]>([
    [
      'an option of the driver that says where',
      { host: '10.0.0.1' },
      'The option "host" is not for AlloyDB connections.',
    ],
    ['ssl, even as false', { ssl: false }, 'The option "ssl" is not for AlloyDB connections.'],
    [
      'an option of the connector beside a shared one',
      { connector: dialer, quotaProject: 'p' },
      'The option "quotaProject" stands beside a shared connector.',
    ],
    ['a connector that cannot connect', { connector: {} }, 'Invalid connector: it has no connect().'],
    ['null for a connector', { connector: null }, 'Invalid connector: it has no connect().'],
    [
      'a password beside IAM login',
      { authType: 'iam', password: 'x' },
      'The option "password" stands beside IAM login.',
    ],
    ['a misspelt option', { ipTyp: 'PSC' }, 'There is no option "ipTyp".'],
    ['an option in another case', { connectTimeoutMS: 5 }, 'There is no option "connectTimeoutMS".'],
    ['a misspelt connector', { conector: dialer }, 'There is no option "conector".'],
    ['a user that is no text', { user: {} }, 'The option "user" is not a string.'],
    ['a user that is empty', { user: '' }, 'The option "user" is empty.'],
    ['an unknown authType', { authType: 'LDAP' }, 'Invalid authType: "LDAP".'],
    [
      'an unknown ipType beside a shared connector',
      { connector: dialer, ipType: 'VPN' },
      'Invalid ipType: "VPN".',
    ],
  ])('refuses %s', (_, options, summary) => {
    expect(() => openAdapter({ instance, ...options }, reserved)).toThrow(refused(summary))
    expect(() => checkAdapterConfig({ instance, ...options }, reserved)).toThrow(refused(summary))
  })

  test.each([[undefined], [''], ['p:r:i']])('refuses the instance %s', (given) => {
    expect(() => openAdapter({ instance: given as string }, reserved)).toThrow(
      expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
    )
  })
})

describe('bindDialer', () => {
  test('dials the one instance, with the options that it was given', async () => {
    const dials: unknown[] = []
    const recorder: Dialer = {
      connect: (...args) => {
        dials.push(args)
        return Promise.reject(new Error('not here'))
      },
    }
    const { signal } = new AbortController()
    await expect(bindDialer(recorder, instance, { ipType: 'PSC' })(signal)).rejects.toThrow('not here')
    expect(dials).toEqual([[instance, { ipType: 'PSC', authType: undefined, signal }]])
  })

  test.each<[string, unknown, object, string]>([
    ['no dialer', undefined, {}, 'Invalid connector: it has no connect().'],
    ['a promise of a dialer', Promise.resolve(dialer), {}, 'Invalid connector: it has no connect().'],
    ["an option of the driver's", dialer, { user: 'app' }, 'The option "user" says nothing of how to dial.'],
    ['an unknown ipType', dialer, { ipType: 'VPN' }, 'Invalid ipType: "VPN".'],
  ])('refuses %s', (_, given, options, summary) => {
    expect(() => bindDialer(given as Dialer, instance, options)).toThrow(refused(summary))
  })
})

test('openAdapter refuses to go without a config', () => {
  expect(() => openAdapter(undefined as never, reserved)).toThrow(
    expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
  )
})

describe('checkAdapterConfig', () => {
  test('accepts what openAdapter accepts', () => {
    checkAdapterConfig(
      { instance, ipType: 'public', authType: undefined, user: 'app', password: 'x' },
      reserved,
    )
    checkAdapterConfig({ instance, connector: dialer, ipType: 'PSC', authType: 'IAM' }, reserved)
  })

  test('refuses what a new connector refuses', () => {
    expect(() => checkAdapterConfig({ instance, connectTimeoutMs: 0 }, reserved)).toThrow(
      refused('Invalid connectTimeoutMs: 0.'),
    )
  })

  test('refuses a malformed instance URI', () => {
    expect(() => checkAdapterConfig({ instance: 'p:r:i' }, reserved)).toThrow(
      expect.objectContaining({ code: 'ALLOYDB_INVALID_INSTANCE_URI' }),
    )
  })
})

describe('the user of an adapter', () => {
  test('is the one that was given, as AlloyDB names it for IAM login', () => {
    const user = 'app@p.iam.gserviceaccount.com'
    expect(openAdapter({ instance, connector: dialer, authType: 'IAM', user }, reserved).user).toBe(
      'app@p.iam',
    )
    expect(openAdapter({ instance, connector: dialer, user }, reserved).user).toBe(user)
    expect(openAdapter({ instance, connector: dialer }, reserved).user).toBeUndefined()
  })

  test('is left to the dialer for IAM login without one', async () => {
    const connector: Dialer = { ...dialer, authType: 'IAM', getIamUser: () => Promise.resolve('app@p.iam') }
    const { user, usesIam } = openAdapter({ instance, connector }, reserved)
    expect(usesIam).toBe(true)
    expect(typeof user === 'function' && (await user())).toBe('app@p.iam')
  })

  test('is unknown where the dialer does not tell', async () => {
    const { user } = openAdapter({ instance, connector: dialer, authType: 'IAM' }, reserved)
    const asked = typeof user === 'function' ? user() : undefined
    await expect(asked).rejects.toMatchObject({ code: 'ALLOYDB_IAM_USER_UNKNOWN' })
  })
})
