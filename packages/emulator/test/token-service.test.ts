import { createSign } from 'node:crypto'
import { request } from 'node:https'
import { ExternalAccountClient, GoogleAuth, Impersonated } from 'google-auth-library'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, api, CLOUD_PLATFORM, LOGIN } from './dial.ts'

const APP = 'app@emulator.iam.gserviceaccount.com'
const USER = 'ada@example.com'
const TARGET = 'target@emulator.iam.gserviceaccount.com'
const DELEGATE = 'delegate@emulator.iam.gserviceaccount.com'
const postgres = inject('postgres')
let emulator: Emulator

beforeAll(async () => {
  emulator = await startEmulator({
    postgres,
    iam: { principals: [{ email: APP }, { email: USER }, { email: TARGET }, { email: DELEGATE }] },
  })
})
afterAll(() => emulator.stop())

async function tokenInfo(token: string): Promise<Record<string, string>> {
  const response = await fetch(`http://${emulator.host}/tokeninfo?access_token=${token}`)
  return (await response.json()) as Record<string, string>
}

async function post(form: Record<string, string>): Promise<{ status: number; body: any }> {
  const response = await fetch(`http://${emulator.host}/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: await response.json() }
}

function assertion(claims: Record<string, unknown> = {}, key = emulator.serviceAccount.private_key): string {
  const now = Math.floor(Date.now() / 1000)
  const all = {
    iss: emulator.serviceAccount.client_email,
    aud: 'https://oauth2.googleapis.com/token',
    scope: LOGIN,
    iat: now,
    exp: now + 3600,
    ...claims,
  }
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(all)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`
}

const grant = (jwt: string): ReturnType<typeof post> =>
  post({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt })

describe('a service account', () => {
  test("gets tokens by google-auth-library's own flow", async () => {
    const auth = new GoogleAuth({ ...emulator.auth, scopes: [LOGIN] })
    const client = await auth.getClient()
    const { token } = await client.getAccessToken()
    expect(client.constructor.name).toBe('JWT')
    expect(client.credentials.expiry_date! - Date.now()).toBeGreaterThan(3_500_000)
    expect(await tokenInfo(token!)).toMatchObject({
      email: emulator.serviceAccount.client_email,
      scope: LOGIN,
      expires_in: expect.stringMatching(/^359\d$/),
    })
    expect(emulator.requests.at(-1)).toMatchObject({ step: 'token', outcome: 'served', scopes: [LOGIN] })
  })

  test("may name the emulator's own token URI as audience", async () => {
    expect((await grant(assertion({ aud: emulator.serviceAccount.token_uri }))).status).toBe(200)
  })

  test('may name that URI by HTTPS, and reach it so', async () => {
    const aud = emulator.serviceAccount.token_uri.replace('http:', 'https:')
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: assertion({ aud }),
    })
    const ca = await emulator.caCertificate()
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      request(aud, { method: 'POST', headers, ca }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(body.toString())
    })
    expect(status).toBe(200)
  })

  test('finds its key over HTTP', async () => {
    const response = await fetch(`http://${emulator.host}/emulator/service-account.json`)
    expect(await response.json()).toEqual(emulator.serviceAccount)
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['an expired assertion', { iat: 1000, exp: 2000 }, 'invalid_grant'],
    ['an assertion for longer than an hour', { exp: Date.now() / 1000 + 7200 }, 'invalid_grant'],
    ['another audience', { aud: 'https://example.com' }, 'invalid_grant'],
    ['an unknown account', { iss: 'x@y.iam.gserviceaccount.com' }, 'invalid_grant'],
    ['no scope', { scope: '' }, 'invalid_scope'],
  ])('gets none for %s', async (_case, claims, error) => {
    const { status, body } = await grant(assertion(claims))
    expect([status, body.error]).toEqual([400, error])
    expect(body.error_description).toEqual(expect.any(String))
  })

  test("gets none for another account's signature", async () => {
    const other = await emulator.authFor(TARGET)
    const { body } = await grant(
      assertion({}, 'private_key' in other.credentials ? other.credentials.private_key : ''),
    )
    expect(body).toEqual({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' })
  })

  test('gets none for a malformed assertion or another grant', async () => {
    expect((await grant('nonsense')).body.error).toBe('invalid_grant')
    expect((await post({ grant_type: 'password' })).body.error).toBe('unsupported_grant_type')
  })
})

test('a user gets tokens by a refresh token', async () => {
  const token = await accessToken(await emulator.authFor(USER))
  expect(await tokenInfo(token)).toMatchObject({
    email: USER,
    scope: expect.stringContaining(CLOUD_PLATFORM),
  })
  const { body } = await post({ grant_type: 'refresh_token', refresh_token: 'unknown' })
  expect(body.error).toBe('invalid_grant')
})

test('tokeninfo does not know a token that was revoked', async () => {
  const token = await accessToken(emulator.auth)
  expect(await tokenInfo(token)).toHaveProperty('email')
  emulator.tokens.revokeAll()
  expect(await tokenInfo(token)).toMatchObject({ error: 'invalid_token' })
})

describe('workload identity federation', () => {
  const workload =
    'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/emulator/subject/ci'

  test("exchanges the workload's own token for an access token, by the library's own flow", async () => {
    emulator.iam.grant(workload, 'roles/alloydb.client')
    const { credentials, clientOptions } = await emulator.authFor(workload)
    if (credentials.type !== 'external_account') throw new Error('not an external account')
    const client = ExternalAccountClient.fromJSON({ ...credentials, ...clientOptions })
    const { token } = (await client?.getAccessToken()) ?? {}
    expect(await tokenInfo(token ?? '')).toMatchObject({ email: workload, scope: CLOUD_PLATFORM })
  })

  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience:
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/emulator/providers/emulator',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: 'forged',
    scope: CLOUD_PLATFORM,
  }
  const exchange = async (given: Record<string, string>): Promise<{ status: number; body: any }> => {
    const body = new URLSearchParams(given)
    const response = await fetch(`http://${emulator.host}/v1/token`, { method: 'POST', body })
    return { status: response.status, body: await response.json() }
  }

  test('refuses a token that is not of the pool', async () => {
    expect(await exchange(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test.each(['audience', 'subject_token', 'subject_token_type'])(
    'refuses a request without %s',
    async (name) => {
      expect(await exchange({ ...form, [name]: '' })).toEqual({
        status: 400,
        body: { error: 'invalid_request', error_description: `Missing required field: ${name}.` },
      })
    },
  )

  test("fails in OAuth's shape", async () => {
    emulator.faults.add({ step: 'token', times: 1, fail: { status: 503, message: 'later' } })
    expect(await exchange(form)).toEqual({
      status: 503,
      body: { error: 'internal_failure', error_description: 'later' },
    })
  })
})

describe('impersonation', () => {
  const path = `v1/projects/-/serviceAccounts/${TARGET}:generateAccessToken`

  test("needs the permission, and then works by google-auth-library's own flow", async () => {
    const sourceClient = await new GoogleAuth({ ...emulator.auth, scopes: [CLOUD_PLATFORM] }).getClient()
    const client = new Impersonated({
      sourceClient,
      targetPrincipal: TARGET,
      targetScopes: [LOGIN],
      lifetime: 600,
      delegates: [],
    })
    await expect(client.getAccessToken()).rejects.toThrow(/iam\.serviceAccounts\.getAccessToken/)
    emulator.iam.grant(emulator.serviceAccount.client_email, 'roles/iam.serviceAccountTokenCreator')
    const { token } = await client.getAccessToken()
    expect(await tokenInfo(token!)).toMatchObject({ email: TARGET, scope: LOGIN })
    expect(Number((await tokenInfo(token!))['expires_in'])).toBeLessThanOrEqual(600)
  })

  test('follows the chain of delegates', async () => {
    emulator.iam.grant(emulator.serviceAccount.client_email, 'roles/iam.serviceAccountTokenCreator')
    const body = { scope: [LOGIN], delegates: [`projects/-/serviceAccounts/${DELEGATE}`], lifetime: '60s' }
    expect((await api(emulator, 'POST', path, { body })).status).toBe(403)
    emulator.iam.grant(DELEGATE, 'roles/iam.serviceAccountTokenCreator')
    expect((await api(emulator, 'POST', path, { body })).status).toBe(200)
  })

  test.each([
    ['https://www.googleapis.com/auth/iam', 200],
    [CLOUD_PLATFORM, 200],
    [LOGIN, 403],
  ])('takes a token of the scope %s with %d', async (scope, status) => {
    emulator.iam.grant(emulator.serviceAccount.client_email, 'roles/iam.serviceAccountTokenCreator')
    const token = await accessToken(emulator.auth, scope)
    expect((await api(emulator, 'POST', path, { token, body: { scope: [LOGIN] } })).status).toBe(status)
  })

  test.each([{ scope: [] }, { scope: [LOGIN], lifetime: '7200s' }, { scope: [LOGIN], delegates: 'x' }])(
    'refuses %j',
    async (body) => {
      expect((await api(emulator, 'POST', path, { body })).status).toBe(400)
    },
  )
})
