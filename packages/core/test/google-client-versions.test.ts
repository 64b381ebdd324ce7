import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as version11 from 'google-auth-library'
import * as version10 from 'google-auth-library-10'
import * as version9 from 'google-auth-library-9'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { ConnectorOptions } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const admin = 'https://www.googleapis.com/auth/cloud-platform'
const login = 'https://www.googleapis.com/auth/alloydb.login'
const app = 'app@p.iam.gserviceaccount.com'
const target = 'target@p.iam.gserviceaccount.com'

const { emulator, openConnector } = await startHarness({
  instances: ['projects/p/locations/r/clusters/c/instances/i'],
  iam: { principals: [{ email: app }, { email: target }] },
})
emulator.iam.grant(app, 'roles/iam.serviceAccountTokenCreator')
const { instance, serviceAccount } = emulator
const { clientOptions } = emulator.auth
const key = { email: serviceAccount.client_email, key: serviceAccount.private_key }
const directory = mkdtempSync(join(tmpdir(), 'alloydb-core-test-'))

afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(directory, { recursive: true }))

/** Connects, and logs in by IAM; tells who that was, for the Admin API and in the exchange, with the scopes of the tokens. */
async function callersOf(options: ConnectorOptions): Promise<unknown> {
  const connector = openConnector(options)
  ;(await connector.connect(instance)).destroy()
  const last = (step: string): unknown => {
    const { principal, scopes } = emulator.requests.findLast((request) => request.step === step) ?? {}
    return { principal, scopes }
  }
  return { admin: last('certificate'), login: last('exchange'), iamUser: await connector.getIamUser() }
}

const expected = (principal: string): unknown => ({
  admin: { principal, scopes: [admin] },
  login: { principal, scopes: [login] },
  iamUser: principal.replace('.gserviceaccount.com', ''),
})

/** The classes of all three fit each other, but for TypeScript. */
const versions = [
  ['11', version11],
  ['10', version10 as unknown as typeof version11],
  ['9', version9 as unknown as typeof version11],
] as const

describe.each(versions)('of google-auth-library %s', (_, { Compute, Impersonated, JWT }) => {
  test('a key gets a token with its own scope for each use, and tells whose it is', async () => {
    expect(await callersOf({ auth: new JWT({ ...key, ...clientOptions }) })).toEqual(expected(app))
  })

  test('so does an attached service account', async () => {
    vi.stubEnv('GCE_METADATA_HOST', emulator.host)
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    vi.stubEnv('CLOUDSDK_CONFIG', directory)
    const auth = new Compute({ scopes: ['https://example.com'] })
    const elsewhere = {
      apiEndpoint: `http://${emulator.host}`,
      createConnection: (host: string) => connect(emulator.instances[0]?.port ?? 0, host),
    }
    expect(await callersOf({ auth, ...elsewhere })).toEqual(expected(app))
  })

  test('so does a client that acts as a service account', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const sourceClient = new JWT({ ...key, scopes: [admin], ...clientOptions })
    const auth = new Impersonated({ sourceClient, targetPrincipal: target, targetScopes: [admin] })
    expect(await callersOf({ auth })).toEqual(expected(target))
  })

  test('a key that has lost its line breaks says so', async () => {
    const auth = new JWT({ ...key, key: key.key.replaceAll('\n', '\\n') })
    const error = await failureOf(openConnector({ auth }).connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_NOT_FOUND')
    expect(error.hint).toContain('turn each "\\n" of its text into one')
  })

  test('the quota project of the credentials is that of the calls', async () => {
    const sourceClient = new JWT({ ...key, scopes: [admin], ...clientOptions })
    const sent: (string | null)[] = []
    const fetchImplementation: typeof fetch = (input, init) => {
      if (new URL(input as URL).pathname.startsWith('/v1beta/'))
        sent.push(new Headers(init?.headers).get('x-goog-user-project'))
      return clientOptions.transporterOptions.fetchImplementation(input, init)
    }
    const options = { quotaProjectId: 'paying', transporterOptions: { fetchImplementation } }
    sourceClient.transporter = new JWT(options).transporter
    for (const auth of [
      new JWT({ ...key, ...options }),
      new Impersonated({ sourceClient, targetPrincipal: target, targetScopes: [admin], ...options }),
    ]) {
      ;(await openConnector({ auth }).connect(instance)).destroy()
    }
    expect(sent).toEqual(['paying', 'paying', 'paying', 'paying'])
  })
})
