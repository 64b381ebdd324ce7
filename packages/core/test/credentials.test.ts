import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GoogleAuth,
  Impersonated,
  JWT,
  OAuth2Client,
  PassThroughClient,
  UserRefreshClient,
} from 'google-auth-library'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { Connector, type ConnectorOptions } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const admin = 'https://www.googleapis.com/auth/cloud-platform'
const login = 'https://www.googleapis.com/auth/alloydb.login'
const app = 'app@p.iam.gserviceaccount.com'
const target = 'target@p.iam.gserviceaccount.com'
const middle = 'middle@p.iam.gserviceaccount.com'
const user = 'ada@example.com'

const { emulator, openConnector, countRequests } = await startHarness({
  instances: ['projects/p/locations/r/clusters/c/instances/i'],
  iam: { principals: [{ email: app }, { email: target }, { email: middle, roles: [] }, { email: user }] },
})
const { instance, serviceAccount } = emulator
const { clientOptions } = emulator.auth
const key = { email: serviceAccount.client_email, key: serviceAccount.private_key }

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Who the last connect was for the Admin API and for the exchange, with the scopes of its tokens. */
function lastCallers(): Record<
  'admin' | 'login',
  { principal: string | undefined; scopes: readonly string[] }
> {
  const last = (step: string) => {
    const { principal, scopes = [] } = emulator.requests.findLast((request) => request.step === step) ?? {}
    return { principal, scopes }
  }
  return { admin: last('certificate'), login: last('exchange') }
}

describe('credentials', () => {
  test.each([
    ['a JWT client', () => new JWT({ ...key, ...clientOptions })],
    [
      'a JWT client with other scopes',
      () => new JWT({ ...key, scopes: ['https://example.com'], ...clientOptions }),
    ],
    [
      'a GoogleAuth',
      () => new GoogleAuth({ projectId: 'p', authClient: new JWT({ ...key, ...clientOptions }) }),
    ],
  ])('from %s get a token with its own scope for each use', async (_, open) => {
    const auth = open()
    const socket = await openConnector({ auth }).connect(instance)
    socket.destroy()
    expect(lastCallers()).toEqual({
      admin: { principal: app, scopes: [admin] },
      login: { principal: app, scopes: [login] },
    })
    const client = auth instanceof JWT ? auth : ((await auth.getClient()) as JWT)
    expect(client.scopes ?? []).not.toContain(login) // what was given is left as it was
  })

  test('of a user are used as they are', async () => {
    const { credentials } = await emulator.authFor(user)
    if (credentials.type !== 'authorized_user') throw new Error('not a user')
    const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = credentials
    const auth = new UserRefreshClient({ clientId, clientSecret, refreshToken, ...clientOptions })
    const connector = openConnector({ auth, authType: 'IAM' })
    ;(await connector.connect(instance)).destroy()
    expect(lastCallers()).toMatchObject({ admin: { principal: user }, login: { principal: user } })
  })

  test('to log in may be others than those for the Admin API', async () => {
    const { email, key: otherKey } = await keyOf(target)
    const loginAuth = new JWT({ email, key: otherKey, ...clientOptions })
    const connector = openConnector({ loginAuth })
    ;(await connector.connect(instance)).destroy()
    expect(lastCallers()).toEqual({
      admin: { principal: app, scopes: [admin] },
      login: { principal: target, scopes: [login] },
    })
    expect(await connector.getIamUser()).toBe('target@p.iam')
  })

  test('come from the emulator itself where none are given', async () => {
    const connector = openConnector({ auth: undefined })
    ;(await connector.connect(instance)).destroy()
    expect(lastCallers()).toEqual({
      admin: { principal: app, scopes: [admin] },
      login: { principal: app, scopes: [login] },
    })
    expect(await connector.getIamUser()).toBe('app@p.iam')
  })

  test('may be any client that fetches tokens', async () => {
    const auth = new OAuth2Client()
    auth.refreshHandler = async () => {
      const jwt = new JWT({ ...key, scopes: [admin], ...clientOptions })
      const { token } = await jwt.getAccessToken()
      return { access_token: token ?? '', expiry_date: Date.now() + 3_600_000 }
    }
    ;(await openConnector({ auth }).connect(instance)).destroy()
    expect(lastCallers()).toMatchObject({ admin: { principal: app }, login: { principal: app } })
  })

  test('are read from the file that GOOGLE_APPLICATION_CREDENTIALS names, and from no place before the first connect', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'alloydb-core-test-'))
    try {
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(directory, 'credentials.json'))
      const connector = openConnector({ auth: undefined, apiEndpoint: `http://${emulator.host}` })
      const error = await failureOf(connector.connect(instance))
      expect(error.code).toBe('ALLOYDB_CREDENTIALS_NOT_FOUND')
      expect(error.summary).toContain('GOOGLE_APPLICATION_CREDENTIALS')
      expect(error.hint).toContain('gcloud auth application-default login')

      // A broken file says so, without what is in it; one that was mended is found without a new connector.
      writeFileSync(join(directory, 'credentials.json'), '{"private_key": "hunter2')
      expect((await failureOf(connector.getIamUser())).message).not.toContain('hunter2')
      writeFileSync(join(directory, 'credentials.json'), JSON.stringify(serviceAccount))
      expect(await connector.getIamUser()).toBe('app@p.iam')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('are those of the options when the connector was made, whatever becomes of the object', async () => {
    const impersonate = { targetPrincipal: target }
    const options: ConnectorOptions = { auth: new JWT({ ...key, ...clientOptions }), impersonate }
    await using connector = new Connector(options)
    impersonate.targetPrincipal = middle
    options.impersonate = { targetPrincipal: user }
    expect(await connector.getIamUser()).toBe('target@p.iam')
  })

  test('may be a client that tells nothing but its headers', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    const jwt = new JWT({ ...key, scopes: [admin], ...clientOptions })
    const auth = {
      getRequestHeaders: (url?: string) => jwt.getRequestHeaders(url),
      transporter: jwt.transporter,
    }
    ;(await openConnector({ auth, universeDomain: 'googleapis.com' }).connect(instance)).destroy()
    ;(await openConnector({ auth, impersonate: { targetPrincipal: target } }).connect(instance)).destroy()
    expect(lastCallers().login).toEqual({ principal: target, scopes: [login] })
  })

  test("of a universe of its own go to that universe's Admin API", async () => {
    const asked: string[] = []
    const fetchImplementation: typeof fetch = (input, init) => {
      const { hostname, pathname } = new URL(input as URL)
      asked.push(hostname)
      return fetch(`http://${emulator.host}${pathname}`, init)
    }
    const auth = new JWT({
      ...key,
      universeDomain: 'example.goog',
      transporterOptions: { fetchImplementation },
    })
    const before = emulator.requests.length
    const createConnection = (): Promise<never> => Promise.reject(new Error('far enough'))
    await using connector = new Connector({ auth, universeDomain: 'example.goog', createConnection })
    await failureOf(connector.connect(instance))
    // Outside of googleapis.com the library signs its own tokens, and asks nobody for one.
    expect(new Set(asked)).toEqual(new Set(['alloydb.example.goog']))
    const steps = emulator.requests.slice(before).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(new Set(steps)).toEqual(new Set(['certificate served', 'connectionInfo served']))
  })

  test('of another universe are refused', async () => {
    const error = await failureOf(openConnector({ universeDomain: 'example.goog' }).connect(instance))
    expect(error.code).toBe('ALLOYDB_INVALID_OPTION')
    expect(error.summary).toContain('universe domain "googleapis.com", not of "example.goog"')
  })
})

describe('tokens', () => {
  test('that are about to expire are renewed before the exchange', async () => {
    const connector = openConnector()
    const first = await connector.connect(instance)
    countRequests()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_599_000 - 4 * 60_000 }) // four minutes are left
    const second = await connector.connect(instance)
    vi.useRealTimers()
    expect(countRequests().token).toBeGreaterThanOrEqual(1)
    first.destroy()
    second.destroy()
  })

  test('to log in that never come are given up, and the next connect asks anew', async () => {
    const connector = openConnector({ refreshTimeoutMs: 300 })
    ;(await connector.connect(instance)).destroy()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_599_000 - 4.5 * 60_000 }) // the certificate is good enough
    const stall = emulator.faults.add({ step: 'token', stall: true, times: 1 })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(error.summary).toBe('No access token could be fetched: none came within 300 ms.')
    expect(stall.hits).toBe(1)
    ;(await connector.connect(instance)).destroy()
    vi.useRealTimers()
  })

  test('that were revoked make the exchange fail, with what to check; the next connect has a new one', async () => {
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    emulator.tokens.revokeAll()
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_EXCHANGE_REJECTED')
    expect(error.hint).toContain('roles/alloydb.client')
    ;(await connector.connect(instance)).destroy()
  })

  test('are fetched once for all who connect at once, of every kind', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    for (const options of [{ auth: undefined }, { impersonate: { targetPrincipal: target } }]) {
      const connector = openConnector(options)
      countRequests()
      const sockets = await Promise.all(Array.from({ length: 50 }, () => connector.connect(instance)))
      expect(countRequests().token).toBeLessThanOrEqual(4) // own and target's, for the Admin API and to log in
      for (const socket of sockets) socket.destroy()
    }
  })

  test('come from the emulator past a proxy, too', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9')
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9')
    ;(await openConnector({ auth: undefined }).connect(instance)).destroy()
  })

  test('that cannot be fetched since nothing is trusted say so', async () => {
    const auth = new OAuth2Client()
    auth.refreshHandler = () =>
      Promise.reject(
        Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      )
    const error = await failureOf(openConnector({ auth }).connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(error.hint).toContain('NODE_EXTRA_CA_CERTS')
  })

  test('that a service account with a deleted key asks for are refused, with what to check', async () => {
    const { email, key: otherKey } = await keyOf('gone@p.iam.gserviceaccount.com')
    const auth = new JWT({ email, key: otherKey, ...clientOptions })
    const error = await failureOf(openConnector({ auth }).connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    expect(error.summary).toContain('invalid_grant')
    expect(error.hint).toContain('check that its key still exists')
  })

  test('that are refused for another reason say so', async () => {
    emulator.faults.add({ step: 'token', fail: { status: 401, reason: 'unauthorized_client' } })
    const error = await failureOf(openConnector().connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    expect(error.summary).toContain('(HTTP 401)')
  })

  test('with too narrow a scope say which they need', async () => {
    const jwt = new JWT({ ...key, scopes: [login], ...clientOptions })
    const auth = new OAuth2Client({ ...clientOptions })
    auth.refreshHandler = async () => ({
      access_token: (await jwt.getAccessToken()).token ?? '',
      expiry_date: Date.now() + 3_600_000,
    })
    const error = await failureOf(openConnector({ auth }).connect(instance))
    expect(error.code).toBe('ALLOYDB_PERMISSION_DENIED')
    expect(error.hint).toContain(admin)
  })

  test('that a client does not give are missed', async () => {
    const connector = openConnector({ loginAuth: new PassThroughClient() })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    expect(error.summary).toBe('The credentials gave no access token.')
    expect((await failureOf(connector.getIamUser())).code).toBe('ALLOYDB_IAM_USER_UNKNOWN')
  })

  test('that need a new login of the user say how', async () => {
    emulator.faults.add({
      step: 'token',
      fail: { status: 400, reason: 'invalid_grant', message: 'reauth related error (invalid_rapt)' },
    })
    const error = await failureOf(openConnector().connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    expect(error.summary).toContain('you need to log in again (reauth)')
    expect(error.hint).toContain('`gcloud auth application-default login`')
  })

  test.each([
    ['an answer of 503', { fail: { status: 503 } }],
    ['a broken connection', { close: 'RST' }],
  ] as const)('that cannot be fetched for %s are worth another try', async (_, fault) => {
    const handle = emulator.faults.add({ step: 'token', ...fault })
    const connector = openConnector({ auth: undefined })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(error.retryable).toBe(true)
    handle.remove()
    await vi.waitFor(async () => (await connector.connect(instance)).destroy(), { timeout: 4_000 })
  })
})

describe('the IAM user', () => {
  test('is looked up once', async () => {
    const { credentials } = await emulator.authFor(user)
    if (credentials.type !== 'authorized_user') throw new Error('not a user')
    const lookups: string[] = []
    const fetchImplementation: typeof fetch = (input, init) => {
      lookups.push(new URL(input as URL).pathname)
      return clientOptions.transporterOptions.fetchImplementation(input, init)
    }
    const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = credentials
    const auth = new UserRefreshClient({
      clientId,
      clientSecret,
      refreshToken,
      transporterOptions: { fetchImplementation },
    })
    const connector = openConnector({ auth })
    expect(await Promise.all([connector.getIamUser(), connector.getIamUser()])).toEqual([user, user])
    expect(lookups.filter((path) => path === '/tokeninfo')).toHaveLength(1)
  })

  test('that cannot be found in time says what to do, and so does a connector that is closed meanwhile', async () => {
    const auth = new OAuth2Client()
    auth.refreshHandler = () => new Promise(() => {})
    const slow = await failureOf(openConnector({ auth, refreshTimeoutMs: 50 }).getIamUser())
    expect(slow.code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(slow.hint).toContain('Set `user`')
    const closing = openConnector({ auth })
    const asked = failureOf(closing.getIamUser())
    await new Promise(setImmediate)
    await closing.close()
    expect((await asked).code).toBe('ALLOYDB_CONNECTOR_CLOSED')
  })

  test('that was asked of what did not answer is asked for anew', async () => {
    const jwt = new JWT({ ...key, scopes: [admin], ...clientOptions })
    const auth = new OAuth2Client(clientOptions)
    let asked = 0
    auth.refreshHandler = async () => {
      asked += 1
      if (asked === 1) await new Promise(() => {})
      return { access_token: (await jwt.getAccessToken()).token ?? '', expiry_date: Date.now() + 3_600_000 }
    }
    const connector = openConnector({ auth, refreshTimeoutMs: 200 })
    expect((await failureOf(connector.getIamUser())).code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(await connector.getIamUser()).toBe('app@p.iam')
  })
})

describe('impersonation', () => {
  test('works through the emulator without credentials of its own', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    const connector = openConnector({ auth: undefined, impersonate: { targetPrincipal: target } })
    ;(await connector.connect(instance)).destroy()
    expect(lastCallers()).toEqual({
      admin: { principal: target, scopes: [admin] },
      login: { principal: target, scopes: [login] },
    })
    expect(await connector.getIamUser()).toBe('target@p.iam')
  })

  test('acts as the target, with its own scope for each use', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    const connector = openConnector({ impersonate: { targetPrincipal: target } })
    ;(await connector.connect(instance)).destroy()
    expect(lastCallers()).toEqual({
      admin: { principal: target, scopes: [admin] },
      login: { principal: target, scopes: [login] },
    })
    expect(await connector.getIamUser()).toBe('target@p.iam')
  })

  test('goes through delegates', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    const connector = openConnector({ impersonate: { targetPrincipal: target, delegates: [middle] } })
    expect((await failureOf(connector.connect(instance))).code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    emulator.iam.grant(middle, 'roles/iam.serviceAccountTokenCreator')
    const granted = openConnector({ impersonate: { targetPrincipal: target, delegates: [middle] } })
    ;(await granted.connect(instance)).destroy()
  })

  test('that is not allowed says which role is missing', async () => {
    emulator.iam.revoke(app, 'roles/iam.serviceAccountTokenCreator')
    const error = await failureOf(
      openConnector({ impersonate: { targetPrincipal: target } }).connect(instance),
    )
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    expect(error.hint).toContain('roles/iam.serviceAccountTokenCreator')
  })

  test('by a client of its own gets the login scope alone, too', async () => {
    emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
    const sourceClient = new JWT({ ...key, scopes: [admin], ...clientOptions })
    const auth = new Impersonated({ sourceClient, targetPrincipal: target, targetScopes: [admin] })
    ;(await openConnector({ auth }).connect(instance)).destroy()
    expect(lastCallers().login).toEqual({ principal: target, scopes: [login] })
  })
})

async function keyOf(email: string): Promise<{ email: string; key: string }> {
  const { credentials } = await emulator.authFor(email)
  if (credentials.type !== 'service_account') throw new Error(`${email} is no service account`)
  return { email, key: credentials.private_key }
}

afterAll(() => {
  vi.useRealTimers()
})
