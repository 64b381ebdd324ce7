import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, api, clusterOf, LOGIN, publicKeyPkcs1, publicKeySpki } from './dial.ts'

const SCOPED = 'projects/example.com:shop/locations/local/clusters/main/instances/primary'
const postgres = inject('postgres')
let emulator: Emulator
let infoPath: string
let certificatePath: string

beforeAll(async () => {
  emulator = await startEmulator({
    postgres,
    instances: [
      'projects/p/locations/r/clusters/c/instances/i',
      { uri: SCOPED, publicIpAddress: null, pscDnsName: null },
    ],
  })
  infoPath = `v1beta/${emulator.instance}/connectionInfo`
  certificatePath = `v1beta/${clusterOf(emulator.instance)}:generateClientCertificate`
})
afterAll(() => emulator.stop())
const email = (): string => emulator.serviceAccount.client_email

describe('connectionInfo', () => {
  test('tells the addresses, and the port in a header', async () => {
    const { status, body, headers } = await api(emulator, 'GET', infoPath)
    expect(status).toBe(200)
    expect(body).toEqual({
      name: `${emulator.instance}/connectionInfo`,
      ipAddress: '127.0.0.1',
      publicIpAddress: '127.0.0.1',
      pscDnsName: 'localhost.',
      instanceUid: emulator.instances[0]!.uid,
    })
    expect(headers.get('x-alloydb-emulator-port')).toBe(String(emulator.instances[0]!.port))
  })

  test('leaves the PSC name out in v1', async () => {
    const { body } = await api(emulator, 'GET', infoPath.replace('v1beta', 'v1'))
    expect(body).not.toHaveProperty('pscDnsName')
    expect(body).toHaveProperty('ipAddress')
  })

  test.each(['', '?$alt=json;enum-encoding=int', '?prettyPrint=false&requestId=1'])(
    'takes the query %j',
    async (query) => {
      expect((await api(emulator, 'GET', infoPath + query)).status).toBe(200)
    },
  )

  test.each([SCOPED, encodeURIComponent(SCOPED), SCOPED.replace(':', '%3A')])(
    'finds the domain-scoped instance %s, and leaves out what it has not',
    async (name) => {
      const { status, body } = await api(emulator, 'GET', `v1alpha/${name}/connectionInfo`)
      expect(status).toBe(200)
      expect(Object.keys(body)).toEqual(['name', 'ipAddress', 'instanceUid'])
    },
  )
})

describe('generateClientCertificate', () => {
  test.each([
    ['PKCS#1', publicKeyPkcs1],
    ['SPKI', publicKeySpki],
  ])('certifies a key in %s form', async (_form, publicKey) => {
    const { body } = await api(emulator, 'POST', certificatePath, {
      body: { publicKey, certDuration: '3600s', useMetadataExchange: true },
    })
    const leaf = new X509Certificate(body.pemCertificateChain[0])
    expect(leaf.publicKey.export({ type: 'spki', format: 'pem' })).toBe(publicKeySpki)
  })

  test('takes snake case, and the asked duration', async () => {
    const { body } = await api(emulator, 'POST', `${certificatePath}?$alt=json;enum-encoding=int`, {
      body: { public_key: publicKeyPkcs1, cert_duration: '7200s', use_metadata_exchange: true },
    })
    const expiry = Date.parse(new X509Certificate(body.pemCertificateChain[0]).validTo)
    expect(Math.abs(expiry - Date.now() - 7_200_000)).toBeLessThan(10_000)
    expect(emulator.requests.at(-1)).toMatchObject({ certDuration: '7200s', useMetadataExchange: true })
  })

  test.each([
    ['a duration under an hour', { publicKey: publicKeySpki, certDuration: '60s' }, /cert_duration/],
    ['a duration over a day', { publicKey: publicKeySpki, certDuration: '86401s' }, /cert_duration/],
    ['no key', {}, /public_key is required/],
    ['no PEM', { publicKey: 'key' }, /public_key is not a PEM/],
    ['a body that is not JSON', '{', /Invalid JSON/],
  ])('refuses %s', async (_case, body, message) => {
    const answer = await api(emulator, 'POST', certificatePath, { body })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  test('gives certificates the lifetime of the option', async () => {
    await using short = await startEmulator({ postgres, certificateLifetimeMs: 90_000 })
    const { body } = await api(
      short,
      'POST',
      `v1beta/${clusterOf(short.instance)}:generateClientCertificate`,
      {
        body: { publicKey: publicKeySpki, certDuration: '3600s' },
      },
    )
    const expiry = Date.parse(new X509Certificate(body.pemCertificateChain[0]).validTo)
    expect(Math.abs(expiry - Date.now() - 90_000)).toBeLessThan(10_000)
  })
})

describe('errors', () => {
  afterEach(() => {
    emulator.iam.apiDisabled = false
    emulator.iam.quotaPerMinute = undefined
    emulator.tokens.lifetimeMs = 3_599_000
    for (const role of ['roles/alloydb.client', 'roles/serviceusage.serviceUsageConsumer'] as const) {
      emulator.iam.grant(email(), role)
    }
  })

  test('a call without a token is UNAUTHENTICATED', async () => {
    const { status, body } = await api(emulator, 'GET', infoPath, { token: null })
    expect(status).toBe(401)
    expect(body.error).toMatchObject({
      code: 401,
      status: 'UNAUTHENTICATED',
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'CREDENTIALS_MISSING' }],
    })
  })

  test('an unknown token is UNAUTHENTICATED', async () => {
    const { status, body } = await api(emulator, 'GET', infoPath, { token: 'ya29.other' })
    expect([status, body.error.details[0].reason]).toEqual([401, 'ACCESS_TOKEN_TYPE_UNSUPPORTED'])
  })

  test('an expired token is UNAUTHENTICATED', async () => {
    emulator.tokens.lifetimeMs = 0
    const { status, body } = await api(emulator, 'GET', infoPath, { token: await accessToken(emulator.auth) })
    expect([status, body.error.details[0].reason]).toEqual([401, 'ACCESS_TOKEN_EXPIRED'])
  })

  test('a token for logins alone has not the scope', async () => {
    const { status, body } = await api(emulator, 'GET', infoPath, {
      token: await accessToken(emulator.auth, LOGIN),
    })
    expect([status, body.error.details[0].reason]).toEqual([403, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'])
  })

  test.each([
    ['GET', 'alloydb.instances.connect'],
    ['POST', 'alloydb.clusters.generateClientCertificate'],
  ] as const)('%s without the role is PERMISSION_DENIED for %s', async (method, permission) => {
    emulator.iam.revoke(email(), 'roles/alloydb.client')
    const path = method === 'GET' ? infoPath : certificatePath
    const resource = method === 'GET' ? emulator.instance : clusterOf(emulator.instance)
    const { status, body } = await api(emulator, method, path)
    expect(status).toBe(403)
    expect(body.error).toEqual({
      code: 403,
      status: 'PERMISSION_DENIED',
      message: `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`,
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'IAM_PERMISSION_DENIED',
          domain: 'iam.googleapis.com',
          metadata: { permission, resource },
        },
      ],
    })
    expect(emulator.requests.at(-1)).toMatchObject({ outcome: 'refused', principal: email() })
  })

  test('a disabled API is SERVICE_DISABLED', async () => {
    emulator.iam.apiDisabled = true
    const { status, body } = await api(emulator, 'GET', infoPath)
    expect(status).toBe(403)
    expect(body.error.details[0]).toMatchObject({
      reason: 'SERVICE_DISABLED',
      metadata: { service: 'alloydb.googleapis.com', consumer: 'projects/p' },
    })
  })

  test('a quota project needs serviceusage.services.use', async () => {
    const headers = { 'x-goog-user-project': 'billing' }
    expect((await api(emulator, 'GET', infoPath, { headers })).status).toBe(200)
    emulator.iam.revoke(email(), 'roles/serviceusage.serviceUsageConsumer')
    const { status, body } = await api(emulator, 'GET', infoPath, { headers })
    expect([status, body.error.details[0].reason]).toEqual([403, 'USER_PROJECT_DENIED'])
    expect((await api(emulator, 'GET', infoPath)).status).toBe(200)
  })

  test('an instance or cluster that is not there is NOT_FOUND', async () => {
    const info = await api(emulator, 'GET', infoPath.replace('instances/i', 'instances/x'))
    expect([info.status, info.body.error.status]).toEqual([404, 'NOT_FOUND'])
    const certified = await api(emulator, 'POST', certificatePath.replace('clusters/c', 'clusters/x'), {
      body: { publicKey: publicKeySpki },
    })
    expect([certified.status, certified.body.error.status]).toEqual([404, 'NOT_FOUND'])
    expect((await api(emulator, 'GET', 'v1beta/nothing')).status).toBe(404)
  })

  test('too many calls are RESOURCE_EXHAUSTED', async () => {
    emulator.iam.grant('busy@p.iam.gserviceaccount.com', 'roles/alloydb.client')
    const token = await accessToken(await emulator.authFor('busy@p.iam.gserviceaccount.com'))
    emulator.iam.quotaPerMinute = 2
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push((await api(emulator, 'GET', infoPath, { token })).status)
    expect(statuses).toEqual([200, 200, 429])
  })

  test('a removed principal is UNAUTHENTICATED', async () => {
    emulator.iam.grant('gone@p.iam.gserviceaccount.com', 'roles/alloydb.client')
    const token = await accessToken(await emulator.authFor('gone@p.iam.gserviceaccount.com'))
    emulator.iam.remove('gone@p.iam.gserviceaccount.com')
    expect((await api(emulator, 'GET', infoPath, { token })).status).toBe(401)
  })
})

test('records hold no token', () => {
  expect(emulator.requests.length).toBeGreaterThan(0)
  expect(JSON.stringify(emulator.requests)).not.toContain('ya29.')
})
