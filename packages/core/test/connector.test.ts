import { getEventListeners, once } from 'node:events'
import { TLSSocket, connect as connectTls } from 'node:tls'
import { inspect } from 'node:util'
import type { Fault } from '@alloydb/emulator'
import { OAuth2Client } from 'google-auth-library'
import { describe, expect, test, vi } from 'vitest'
import { Connector } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const { emulator, openConnector, countRequests } = await startHarness()
const { instance } = emulator

describe('connect', () => {
  test('gives a verified TLS 1.3 socket that nothing else holds on to', async () => {
    const socket = await openConnector().connect(instance)
    expect(socket).toBeInstanceOf(TLSSocket)
    expect(socket.getProtocol()).toBe('TLSv1.3')
    expect(socket.authorized).toBe(true)
    expect(socket.readableFlowing).toBeNull()
    const untouched = connectTls({ host: '127.0.0.1', port: 1 }).on('error', () => {})
    expect(socket.eventNames().filter((name) => !untouched.eventNames().includes(name))).toEqual([])
    for (const event of ['readable', 'data', 'error', 'timeout']) expect(socket.listenerCount(event)).toBe(0)
    expect(socket.isPaused()).toBe(false)
    socket.destroy()
  })

  test('makes exactly one call of each kind for 20 concurrent first connects', async () => {
    const connector = openConnector()
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connector.connect(instance)))
    expect(countRequests()).toMatchObject({ connectionInfo: 1, certificate: 1, tcp: 20, exchange: 20 })
    for (const socket of sockets) socket.destroy()
  })

  test('makes no further call for later connects', async () => {
    const connector = openConnector()
    const first = await connector.connect(instance)
    countRequests()
    const second = await connector.connect(instance)
    expect(countRequests()).toEqual({ connectionInfo: 0, certificate: 0, token: 0, tcp: 1, exchange: 1 })
    first.destroy()
    second.destroy()
  })

  test('says who is calling, and how it logs in', async () => {
    const connector = openConnector({ userAgent: 'shop/1.0', authType: 'IAM' })
    const sockets = await Promise.all([
      connector.connect(instance),
      connector.connect(instance, { authType: 'password' }),
    ])
    const exchanges = emulator.requests.filter(({ step }) => step === 'exchange').slice(-2)
    expect(exchanges.map(({ authType }) => authType).toSorted()).toEqual(['AUTO_IAM', 'DB_NATIVE'])
    for (const { userAgent, scopes } of exchanges) {
      expect(userAgent).toMatch(/^alloydb-node-connector\/\d+\.\d+\.\d+ shop\/1\.0$/)
      expect(scopes).toEqual(['https://www.googleapis.com/auth/alloydb.login'])
    }
    for (const socket of sockets) socket.destroy()
  })

  test.each([['PRIVATE'], ['public'], ['Psc' as 'psc']] as const)(
    'reaches the instance over ipType %s',
    async (ipType) => {
      const socket = await openConnector().connect(instance, { ipType })
      expect(socket.authorized).toBe(true)
      socket.destroy()
    },
  )

  test("leaves nothing on the caller's signal", async () => {
    const { signal } = new AbortController()
    ;(await openConnector().connect(instance, { signal })).destroy()
    await failureOf(openConnector().connect(`${instance}x`, { signal }))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('refuses a malformed instance URI before any I/O', async () => {
    const error = await failureOf(openConnector().connect('my-project:us-central1:my-instance'))
    expect(error.code).toBe('ALLOYDB_INVALID_INSTANCE_URI')
    expect(countRequests()).toMatchObject({ connectionInfo: 0, certificate: 0, token: 0 })
  })

  test('refuses an unknown ipType and authType before any I/O', async () => {
    const connector = openConnector()
    const ipType = await failureOf(connector.connect(instance, { ipType: 'DIRECT' as 'PUBLIC' }))
    expect(ipType.message).toBe('Invalid ipType: "DIRECT".\nExpected "PRIVATE", "PUBLIC", "PSC".')
    const authType = await failureOf(connector.connect(instance, { authType: 'KERBEROS' as 'IAM' }))
    expect(authType.message).toBe('Invalid authType: "KERBEROS".\nExpected "PASSWORD", "IAM".')
    expect(countRequests()).toMatchObject({ connectionInfo: 0, certificate: 0, token: 0 })
  })
})

describe('a machine that slept past the expiry of the certificate', () => {
  test.each(['background', 'lazy'] as const)(
    'connects again with a new one, by %s refresh',
    async (refreshStrategy) => {
      const connector = openConnector({ refreshStrategy })
      ;(await connector.connect(instance)).destroy()
      countRequests()
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 3_600_000 }) // no timer has run
      const socket = await connector.connect(instance)
      vi.useRealTimers()
      expect(countRequests()).toMatchObject({ certificate: 1, exchange: 1 })
      socket.destroy()
    },
  )
})

test('1,000 connects at once all succeed', async () => {
  const connector = openConnector()
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => connector.connect(instance)))
  expect(new Set(sockets).size).toBe(1_000)
  expect(countRequests()).toMatchObject({ connectionInfo: 1, certificate: 1, tcp: 1_000 })
  for (const socket of sockets) socket.destroy()
}, 20_000)

describe('close', () => {
  test('may be called before the first connect, and again, and gives one promise', async () => {
    const connector = openConnector()
    expect(connector.close()).toBe(connector.close())
    await connector.close()
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CONNECTOR_CLOSED')
    expect(error.message).toContain(`it was to connect to instance "${instance}"`)
    expect((await failureOf(connector.getIamUser())).code).toBe('ALLOYDB_CONNECTOR_CLOSED')
  })

  test('leaves the sockets that were handed over to their owners', async () => {
    const connector = openConnector()
    const socket = await connector.connect(instance)
    await connector.close()
    expect(socket.destroyed).toBe(false)
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])) // SSLRequest
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toBe('N')
    socket.destroy()
  })

  test.each(['token', 'connectionInfo', 'certificate', 'tcp', 'tls', 'exchange'] as const)(
    'ends a connect that hangs in the step %s',
    async (step) => {
      emulator.faults.add(step === 'tls' ? { step: 'tcp', stall: true } : ({ step, stall: true } as never))
      const connector = openConnector()
      const reached = emulator.requests.length
      const connecting = failureOf(connector.connect(instance))
      await expect
        .poll(() => emulator.requests.slice(reached).some((r) => r.step === (step === 'tls' ? 'tcp' : step)))
        .toBe(true)
      await connector.close()
      expect((await connecting).code).toBe('ALLOYDB_CONNECTOR_CLOSED')
    },
  )

  test('comes at any moment of a connect without a stray error', async () => {
    for (let turns = 0; turns < 60; turns += 1) {
      // Without credentials of its own it uses google-auth-library's own HTTP client.
      const connector = openConnector({ auth: undefined })
      const outcome = connector.connect(instance).catch((error: unknown) => error)
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
      await connector.close()
      const result = await outcome
      if (result instanceof TLSSocket) result.destroy()
      else expect(result).toMatchObject({ code: 'ALLOYDB_CONNECTOR_CLOSED' })
    }
  }, 20_000)

  test('works by `await using`', async () => {
    const connector = openConnector()
    {
      await using scoped = connector
      ;(await scoped.connect(instance)).destroy()
    }
    expect((await failureOf(connector.connect(instance))).code).toBe('ALLOYDB_CONNECTOR_CLOSED')
  })
})

test('shows no secret when it is inspected', async () => {
  const connector = openConnector()
  const socket = await connector.connect(instance)
  const shown = inspect(connector, { depth: Infinity, showHidden: true })
  expect(shown).not.toMatch(/PRIVATE KEY|ya29|CERTIFICATE/)
  socket.destroy()
})

test('refuses an option that does not exist', () => {
  expect(() => new Connector({ ipTypes: 'PUBLIC' } as object)).toThrow(
    'The connector has no option "ipTypes".',
  )
})

describe('refuses', () => {
  test('a URL of a database in place of an instance, without showing it', async () => {
    const error = await failureOf(openConnector().connect('postgres://app:hunter2@10.0.0.1/shop'))
    expect(error.code).toBe('ALLOYDB_INVALID_INSTANCE_URI')
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('hunter2')
  })

  test.each([
    [{ ipTyp: 'PSC' }, 'A connect has no option "ipTyp".'],
    [null, 'A connect takes its options as an object.'],
    [{ signal: new AbortController() }, 'Invalid signal: object.'],
  ])('%o in place of the options of a connect', async (options, summary) => {
    const error = await failureOf(openConnector().connect(instance, options as object))
    expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_OPTION', summary })
  })
})

test('a connect that failed waits for new connection info no longer than it may take itself', async () => {
  const connector = openConnector({ connectTimeoutMs: 300 })
  ;(await connector.connect(instance)).destroy()
  emulator.faults.add({ step: 'tcp', close: 'RST' })
  emulator.faults.add({ step: 'certificate', stall: true })
  // A refresh may take a minute.
  expect((await failureOf(connector.connect(instance))).code).toBe('ALLOYDB_TCP_FAILED')
})

test.each<[string, Fault]>([
  ['fails in TLS', { step: 'tls', fail: { alert: 'internal_error' } }],
  ['is shown another address', { step: 'tls', serverCertificate: 'wrong-address' }],
  ['is shown what it does not trust', { step: 'tls', serverCertificate: 'wrong-authority' }],
  ['is closed after TLS', { step: 'exchange', close: 'FIN' }],
])('a connect that %s is made again with new connection info', async (_, fault) => {
  const connector = openConnector()
  ;(await connector.connect(instance)).destroy()
  countRequests()
  const met = emulator.faults.add({ ...fault, times: 1 } as Fault)
  ;(await connector.connect(instance)).destroy()
  expect(met.hits).toBe(1)
  expect(countRequests()).toMatchObject({ certificate: 1, tcp: 2 })
})

test('a connect that failed is aborted while it waits for new connection info', async () => {
  const connector = openConnector()
  ;(await connector.connect(instance)).destroy()
  emulator.faults.add({ step: 'tcp', close: 'RST', times: 1 })
  const stall = emulator.faults.add({ step: 'certificate', stall: true })
  const abort = new AbortController()
  const connecting = failureOf(connector.connect(instance, { signal: abort.signal }))
  await expect.poll(() => stall.hits).toBe(1)
  abort.abort()
  expect((await connecting).code).toBe('ALLOYDB_ABORTED')
})

test('tokens that were revoked are fetched anew once for both calls of a refresh', async () => {
  const connector = openConnector()
  ;(await connector.connect(instance)).destroy()
  emulator.tokens.revokeAll()
  emulator.faults.add({ step: 'tcp', close: 'RST', times: 1 })
  const error = await failureOf(connector.connect(instance)) // its token is as old
  expect(error.code).toBe('ALLOYDB_EXCHANGE_REJECTED')
  ;(await connector.connect(instance)).destroy()
})

test("the service's own port is dialed, whatever an endpoint that is not the emulator says", async () => {
  const ports: number[] = []
  const createConnection = (_: string, port: number): Promise<never> => {
    ports.push(port)
    return Promise.reject(new Error('far enough'))
  }
  const connector = openConnector({ apiEndpoint: `http://${emulator.host}`, createConnection })
  expect((await failureOf(connector.connect(instance))).code).toBe('ALLOYDB_TCP_FAILED')
  expect(new Set(ports)).toEqual(new Set([5433]))
})

test('a token that no header can hold is not shown', async () => {
  const { transporter } = new OAuth2Client()
  const auth = { getRequestHeaders: async () => ({ authorization: 'Bearer secret\ntoken' }), transporter }
  const error = await failureOf(openConnector({ auth }).connect(instance))
  expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('secret')
})
