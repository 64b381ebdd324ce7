import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Connector } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const first = 'projects/p/locations/r/clusters/c/instances/first'
const second = 'projects/p/locations/r/clusters/d/instances/second'
const { emulator, openConnector, countRequests } = await startHarness({ instances: [first, second] })

/** Puts a file together as a developer would, from the Admin API's answers. */
async function makeFile(): Promise<Record<string, unknown>> {
  const { generateKeyPairSync } = await import('node:crypto')
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const { GoogleAuth, JWT } = await import('google-auth-library')
  const { client_email, private_key } = emulator.serviceAccount
  const scopes = ['https://www.googleapis.com/auth/cloud-platform']
  const jwt = new JWT({ email: client_email, key: private_key, scopes, ...emulator.auth.clientOptions })
  const google = new GoogleAuth({ authClient: jwt })
  const file: Record<string, unknown> = { publicKey, privateKey }
  for (const instance of [first, second]) {
    const cluster = instance.slice(0, instance.indexOf('/instances/'))
    const { data } = await google.request<object>({
      url: `http://${emulator.host}/v1beta/${cluster}:generateClientCertificate`,
      method: 'POST',
      data: { publicKey, certDuration: '3600s', useMetadataExchange: true },
    })
    file[instance] = {
      ...data,
      ipAddress: '127.0.0.1',
      publicIpAddress: '',
      pscInstanceConfig: { pscDnsName: 'localhost.' },
    }
  }
  return file
}

const file = await makeFile()
const portOf = (uri: string): number => emulator.instances.find((instance) => instance.uri === uri)?.port ?? 0

afterEach(() => {
  vi.useRealTimers()
})

describe('staticConnectionInfo', () => {
  test('serves many dials to many instances, with no call to the Admin API', async () => {
    let uri = first
    const connector = openConnector({
      staticConnectionInfo: JSON.stringify(file),
      createConnection: (host) => connect(portOf(uri), host), // a file has no port: it is always 5433
    })
    countRequests()
    for (uri of [first, second, first]) {
      const sockets = await Promise.all([connector.connect(uri), connector.connect(uri, { ipType: 'PSC' })])
      for (const socket of sockets) {
        expect(socket.authorized).toBe(true)
        socket.destroy()
      }
    }
    expect(countRequests()).toMatchObject({ connectionInfo: 0, certificate: 0, exchange: 6 })
  })

  test('reads the real expiry of the certificate', async () => {
    const connector = openConnector({ staticConnectionInfo: file })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 })
    const error = await failureOf(connector.connect(first))
    expect(error.code).toBe('ALLOYDB_CLIENT_CERTIFICATE_EXPIRED')
    expect(error.summary).toMatch(/in staticConnectionInfo for instance ".*first" expired at 20\d\d-/)
  })

  test('names the instances that it has when asked for another', async () => {
    const connector = openConnector({ staticConnectionInfo: file })
    const other = 'projects/p/locations/r/clusters/c/instances/other'
    const error = await failureOf(connector.connect(other))
    expect(error.code).toBe('ALLOYDB_INSTANCE_NOT_FOUND')
    expect(error.message).toBe(
      `staticConnectionInfo has no instance "${other}".\nIt has: ${first}, ${second}.`,
    )
  })

  test('with certificates that cannot be used says so', async () => {
    const broken = { ...file, [first]: { ...(file[first] as object), caCert: '' } }
    const error = await failureOf(openConnector({ staticConnectionInfo: broken }).connect(first))
    expect(error.code).toBe('ALLOYDB_INVALID_OPTION')
    expect(error.summary).toContain(`its certificates for instance "${first}" cannot be used`)
  })

  test('names the IP types that the instance has', async () => {
    const connector = openConnector({ staticConnectionInfo: file })
    const error = await failureOf(connector.connect(first, { ipType: 'PUBLIC' }))
    expect(error.summary).toContain('has no public IP address; it has: PRIVATE, PSC.')
  })

  test.each([
    ['text that is no JSON', '{"privateKey": "secret', 'it is not a JSON object'],
    ['no key', {}, 'it has no "privateKey"'],
    ['no certificate', { privateKey: 'x', [first]: {} }, 'has no "pemCertificateChain" or no "caCert"'],
  ])('refuses %s, without quoting it', (_, staticConnectionInfo, problem) => {
    expect(() => new Connector({ staticConnectionInfo })).toThrow(
      expect.objectContaining({
        code: 'ALLOYDB_INVALID_OPTION',
        summary: expect.stringContaining(problem) as string,
      }),
    )
    expect(() => new Connector({ staticConnectionInfo })).not.toThrow('secret')
  })
})
