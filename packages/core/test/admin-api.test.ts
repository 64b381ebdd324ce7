import { JWT, OAuth2Client } from 'google-auth-library'
import { OAuth2Client as OAuth2Client9 } from 'google-auth-library-9'
import { OAuth2Client as OAuth2Client10 } from 'google-auth-library-10'
import { afterEach, describe, expect, test } from 'vitest'
import type { Auth } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const uri = 'projects/shop/locations/us-central1/clusters/main/instances/primary'
const { emulator, openConnector, countRequests } = await startHarness({ instances: [uri] })
const { client_email: app } = emulator.serviceAccount

afterEach(() => {
  emulator.iam.apiDisabled = false
  emulator.iam.grant(app, 'roles/alloydb.client')
  emulator.iam.grant(app, 'roles/serviceusage.serviceUsageConsumer')
  emulator.iam.quotaPerMinute = undefined
})

const key = { email: app, key: emulator.serviceAccount.private_key }

async function adminToken(): Promise<string> {
  const scopes = ['https://www.googleapis.com/auth/cloud-platform']
  const { token } = await new JWT({ ...key, ...emulator.auth.clientOptions, scopes }).getAccessToken()
  return token ?? ''
}

const connectError = () => failureOf(openConnector().connect(uri))

describe('the Admin API is asked', () => {
  test('for v1beta, with who is asking', async () => {
    ;(await openConnector({ userAgent: 'shop/1.0' }).connect(uri)).destroy()
    const call = emulator.requests.findLast(({ step }) => step === 'connectionInfo')
    expect(call?.headers).toMatchObject({
      'user-agent': expect.stringMatching(/^alloydb-node-connector\/\S+ shop\/1\.0/) as string,
      'x-goog-api-client': expect.stringMatching(/^gl-node\/\d+\.\d+\.\d+ gccl\//) as string,
    })
  })

  test('for a certificate of one hour, with the metadata exchange', async () => {
    ;(await openConnector().connect(uri)).destroy()
    const call = emulator.requests.findLast(({ step }) => step === 'certificate')
    expect(call).toMatchObject({ certDuration: '3600s', useMetadataExchange: true })
  })

  test('at the expense of the quota project', async () => {
    ;(await openConnector({ quotaProject: 'billing' }).connect(uri)).destroy()
    const calls = emulator.requests.filter(({ step }) => step === 'connectionInfo' || step === 'certificate')
    for (const { headers } of calls.slice(-2))
      expect(headers).toMatchObject({ 'x-goog-user-project': 'billing' })
  })
})

describe('an error of the Admin API', () => {
  test('names the permission, the role and the project', async () => {
    emulator.iam.revoke(app, 'roles/alloydb.client')
    const connector = openConnector()
    const error = await failureOf(connector.connect(uri))
    expect(error.code).toBe('ALLOYDB_PERMISSION_DENIED')
    expect(error.summary).toMatch(/Permission 'alloydb\.[\w.]+' denied on resource/)
    expect(error.hint).toBe(`Grant roles/alloydb.client on project "shop" to ${app}.`)
    expect(error.retryable).toBe(false)

    // It is kept for some seconds: dials fail at once, and the Admin API is left alone.
    countRequests()
    expect((await failureOf(connector.connect(uri))).code).toBe('ALLOYDB_PERMISSION_DENIED')
    expect(countRequests()).toMatchObject({ connectionInfo: 0, certificate: 0 })
  })

  test('names the role that a quota project takes', async () => {
    emulator.iam.revoke(app, 'roles/serviceusage.serviceUsageConsumer')
    const error = await failureOf(openConnector({ quotaProject: 'billing' }).connect(uri))
    expect(error.code).toBe('ALLOYDB_PERMISSION_DENIED')
    expect(error.hint).toContain('roles/serviceusage.serviceUsageConsumer on the quota project')
  })

  test('names the API to enable', async () => {
    emulator.iam.apiDisabled = true
    const error = await connectError()
    expect(error.code).toBe('ALLOYDB_API_DISABLED')
    expect(error.summary).toContain('The API alloydb.googleapis.com is not enabled in project "shop"')
    expect(error.hint).toContain('`gcloud services enable alloydb.googleapis.com --project=shop`')
  })

  test.each([
    ['instance', uri.replace('primary', 'secondary'), 'Check the instance of'],
    ['cluster', uri.replace('main', 'other'), 'Check the project, the region and the cluster of'],
  ])('names the %s as the likely wrong part of the URI', async (_, wrong, hint) => {
    const error = await failureOf(openConnector().connect(wrong))
    expect(error.code).toBe('ALLOYDB_INSTANCE_NOT_FOUND')
    expect(error.summary).toContain(`There is no instance "${wrong}"`)
    expect(error.hint).toContain(hint)
  })

  test('tells of the quota, and when to come back', async () => {
    emulator.iam.quotaPerMinute = 0
    const error = await connectError()
    expect(error.code).toBe('ALLOYDB_QUOTA_EXCEEDED')
    expect(error.summary).toContain('quota')
    expect(error.retryable).toBe(true)
  })

  test('carries the time to come back, which the next refresh honours', async () => {
    emulator.faults.add({ step: 'connectionInfo', fail: { status: 503, retryAfterSeconds: 3_600 }, times: 1 })
    const connector = openConnector({ auth: undefined }) // by the credentials library's own HTTP client
    const before = Date.now()
    const error = await failureOf(connector.connect(uri))
    expect(error.retryAt).toBeGreaterThanOrEqual(before + 3_599_000)
    expect((await failureOf(connector.connect(uri))).code).toBe('ALLOYDB_ADMIN_API_UNAVAILABLE')
    expect(countRequests()).toMatchObject({ connectionInfo: 1 })
  })

  test('does not wait for the name of the principal where that cannot be had', async () => {
    const client = new OAuth2Client()
    client.getTokenInfo = () => new Promise(() => {})
    client.setCredentials({ access_token: await adminToken(), expiry_date: Date.now() + 3_000_000 })
    emulator.iam.revoke(app, 'roles/alloydb.client')
    const login = new JWT({ ...key, ...emulator.auth.clientOptions })
    const error = await failureOf(openConnector({ auth: client, loginAuth: login }).connect(uri))
    expect(error.code).toBe('ALLOYDB_PERMISSION_DENIED')
  })

  test('that one access token is refused, as after it was revoked, is mended by another one', async () => {
    emulator.faults.add({ step: 'connectionInfo', fail: { status: 401 }, times: 1 })
    ;(await openConnector().connect(uri)).destroy()
    expect(countRequests()).toMatchObject({ connectionInfo: 2, certificate: 1 })
  })

  test('of a passing kind is over with the next connect', async () => {
    emulator.faults.add({ step: 'connectionInfo', fail: { status: 503 }, times: 1 })
    const connector = openConnector()
    await failureOf(connector.connect(uri))
    ;(await connector.connect(uri)).destroy()
  })
})

test.each([
  ['9', OAuth2Client9],
  ['10', OAuth2Client10],
])('clients of google-auth-library %s serve, too', async (_, Client) => {
  const client = new Client()
  client.setCredentials({ access_token: await adminToken(), expiry_date: Date.now() + 3_000_000 })
  const connector = openConnector({ auth: client as object as Auth })
  ;(await connector.connect(uri)).destroy()

  emulator.faults.add({ step: 'connectionInfo', fail: { status: 503, retryAfterSeconds: 3_600 } })
  const other = openConnector({ auth: client as object as Auth })
  const error = await failureOf(other.connect(uri))
  expect(error).toMatchObject({
    code: 'ALLOYDB_ADMIN_API_UNAVAILABLE',
    retryAt: expect.any(Number) as number,
  })
})
