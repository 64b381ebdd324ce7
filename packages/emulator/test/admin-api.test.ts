import { sign, X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, api, CLOUD_PLATFORM, clusterOf, LOGIN, publicKeyPkcs1, publicKeySpki } from './dial.ts'

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

test('whatever the path is, the answer is an error that says what is wrong', async () => {
  const statuses = await Promise.all(
    ['/', '%zz', '/\\x', 'emulator/nothing'].map(async (path) => (await api(emulator, 'GET', path)).status),
  )
  expect(statuses).toEqual([404, 400, 404, 404])
  const tooLarge = await fetch(`http://${emulator.host}/emulator/faults`, {
    method: 'POST',
    body: 'x'.repeat(2 ** 20 + 1),
  })
  expect(tooLarge.status).toBe(400)
})

describe('connectionInfo', () => {
  test('tells the addresses, and the port in a header', async () => {
    const { status, body, headers } = await api(emulator, 'GET', infoPath)
    expect(status).toBe(200)
    expect(body).toEqual({
      name: `${emulator.instance}/connectionInfo`,
      ipAddress: '127.0.0.1',
      publicIpAddress: '127.0.0.1',
      pscDnsName: 'localhost',
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

  test('answers a request that comes again with the same certificate', async () => {
    const chainOf = async (request: { body: object; query?: string }): Promise<string> => {
      const body = { publicKey: publicKeySpki, ...request.body }
      const answer = await api(emulator, 'POST', certificatePath + (request.query ?? ''), { body })
      return answer.body.pemCertificateChain[0]
    }
    const first = await chainOf({ body: { requestId: 'a' } })
    expect(await chainOf({ body: { request_id: 'a' } })).toBe(first)
    expect(await chainOf({ body: {}, query: '?requestId=a' })).toBe(first)
    expect(await chainOf({ body: { requestId: 'b' } })).not.toBe(first)
    expect(await chainOf({ body: {} })).not.toBe(await chainOf({ body: {} }))
  })

  test('refuses the id of a request for something else', async () => {
    const ask = (body: object): ReturnType<typeof api> =>
      api(emulator, 'POST', certificatePath, { body: { publicKey: publicKeySpki, requestId: 'c', ...body } })
    expect((await ask({ useMetadataExchange: true })).status).toBe(200)
    for (const other of [{}, { useMetadataExchange: true, certDuration: '7200s' }]) {
      const { status, body } = await ask(other)
      expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT'])
      expect(body.error.message).toContain('request_id was used for another request')
    }
    expect((await ask({ useMetadataExchange: true })).status).toBe(200)
  })

  test('lets a fault spoil the certificate of a request that comes again, and of none after it', async () => {
    const leaf = async (): Promise<X509Certificate> => {
      const body = { publicKey: publicKeySpki, requestId: 'd' }
      const answer = await api(emulator, 'POST', certificatePath, { body })
      return new X509Certificate(answer.body.pemCertificateChain[0])
    }
    const first = await leaf()
    emulator.faults.add({ step: 'certificate', notAfter: '2026-01-31T12:00:00Z', times: 1 })
    emulator.faults.add({ step: 'certificate', lifetimeMs: -1000, times: 1 })
    expect((await leaf()).validToDate).toEqual(new Date('2026-01-31T12:00:00Z'))
    const expired = await leaf()
    expect(expired.validToDate.getTime()).toBeLessThan(Date.now())
    expect(expired.validToDate.getTime()).toBeGreaterThan(Date.parse('2026-01-31T12:00:00Z'))
    expect((await leaf()).serialNumber).toBe(first.serialNumber)
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

describe('resources', () => {
  const viewer = async (): Promise<string> => {
    emulator.iam.grant('viewer@p.iam.gserviceaccount.com', 'roles/alloydb.viewer')
    return accessToken(await emulator.authFor('viewer@p.iam.gserviceaccount.com'))
  }

  test('an instance and a cluster are described to those who may connect', async () => {
    const instance = await api(emulator, 'GET', `v1/${emulator.instance}?view=INSTANCE_VIEW_FULL`)
    expect(instance.body).toMatchObject({
      name: emulator.instance,
      uid: emulator.instances[0]!.uid,
      state: 'READY',
      instanceType: 'PRIMARY',
      ipAddress: '127.0.0.1',
      publicIpAddress: '127.0.0.1',
      pscInstanceConfig: { pscDnsName: 'localhost' },
      databaseFlags: { 'alloydb.iam_authentication': 'on' },
    })
    const cluster = await api(emulator, 'GET', `v1/${clusterOf(emulator.instance)}`)
    expect(cluster.body).toMatchObject({ name: clusterOf(emulator.instance), clusterType: 'PRIMARY' })
    expect((await api(emulator, 'GET', `v1/${emulator.instance}x`)).status).toBe(404)
  })

  test.each([
    ['projects/p/locations/r/clusters/c/instances', ['projects/p/locations/r/clusters/c/instances/i']],
    ['projects/p/locations/-/clusters/-/instances', ['projects/p/locations/r/clusters/c/instances/i']],
    ['projects/example.com:shop/locations/-/clusters/-/instances', [SCOPED]],
    ['projects/p/locations/-/clusters', ['projects/p/locations/r/clusters/c']],
    ['projects/p/locations/other/clusters', []],
  ])('%s lists %j', async (path, names) => {
    const { status, body } = await api(emulator, 'GET', `v1beta/${path}`, { token: await viewer() })
    const listed: { name: string }[] = body[path.split('/').at(-1)!]
    expect([status, listed.map(({ name }) => name)]).toEqual([200, names])
  })

  test('are not listed to those who may connect and no more', async () => {
    const connecting = 'connecting@p.iam.gserviceaccount.com'
    emulator.iam.grant(connecting, 'roles/alloydb.client')
    const token = await accessToken(await emulator.authFor(connecting))
    const path = `v1beta/${clusterOf(emulator.instance)}/instances`
    const { body } = await api(emulator, 'GET', path, { token })
    expect(body.error.message).toMatch(/^Permission 'alloydb.instances.list' denied/)
  })
})

describe('a token that a service account has signed itself', () => {
  const claims = (): Record<string, unknown> => ({
    iss: email(),
    sub: email(),
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 3600,
  })
  const call = async (payload: Record<string, unknown>): Promise<number> => {
    const { private_key: key, private_key_id: kid } = emulator.serviceAccount
    const signed = [{ alg: 'RS256', typ: 'JWT', kid }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')
    return (await api(emulator, 'GET', infoPath, { token: `${signed}.${signature}` })).status
  }

  test('is good for the Admin API, by scope or by audience', async () => {
    expect(await call({ ...claims(), scope: CLOUD_PLATFORM })).toBe(200)
    expect(await call({ ...claims(), aud: 'https://alloydb.googleapis.com/' })).toBe(200)
  })

  test.each([
    ['without scope and audience', {}, 403],
    ['with another scope', { scope: LOGIN }, 403],
    ['for another API', { aud: 'https://storage.googleapis.com/' }, 401],
    ['for somebody else', { sub: 'other@p.iam.gserviceaccount.com', scope: CLOUD_PLATFORM }, 401],
    ['that has expired', { exp: 1, scope: CLOUD_PLATFORM }, 401],
    ["in somebody else's name", { iss: 'other@p.iam.gserviceaccount.com', scope: CLOUD_PLATFORM }, 401],
  ])('is refused %s', async (_case, claim, status) => {
    expect(await call({ ...claims(), ...claim })).toBe(status)
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
          metadata: { permission, resource, principal: email() },
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
    let answer
    for (let i = 0; i < 3; i++)
      statuses.push((answer = await api(emulator, 'GET', infoPath, { token })).status)
    expect(statuses).toEqual([200, 200, 429])
    expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(answer?.body.error).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      details: [{ reason: 'RATE_LIMIT_EXCEEDED' }, { retryDelay: expect.stringMatching(/^\d+s$/) }],
    })
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
