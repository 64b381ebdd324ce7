import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GoogleAuth } from 'google-auth-library'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { failureOf, startHarness } from './harness.ts'

const admin = 'https://www.googleapis.com/auth/cloud-platform'
const login = 'https://www.googleapis.com/auth/alloydb.login'
const app = 'app@p.iam.gserviceaccount.com'
const user = 'ada@example.com'
const workload =
  'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/emulator/subject/ci'

const { emulator, openConnector } = await startHarness({
  instances: ['projects/p/locations/r/clusters/c/instances/i'],
  iam: { principals: [{ email: app }, { email: user }, { email: workload }] },
})
const { instance } = emulator
emulator.iam.grant(workload, 'roles/iam.serviceAccountTokenCreator')

// Beside Application Default Credentials, ALLOYDB_EMULATOR_HOST is not set: it would bring credentials of its own.
const elsewhere = {
  apiEndpoint: `http://${emulator.host}`,
  createConnection: (host: string) => connect(emulator.instances[0]?.port ?? 0, host),
}
const directory = mkdtempSync(join(tmpdir(), 'alloydb-core-test-'))
const file = join(directory, 'credentials.json')

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})
afterAll(() => rmSync(directory, { recursive: true }))

function lastPrincipals(): unknown {
  const last = (step: string) => {
    const { principal, scopes } = emulator.requests.findLast((request) => request.step === step) ?? {}
    return { principal, scopes }
  }
  return { admin: last('certificate'), login: last('exchange') }
}

async function writeExternalAccount(more: object = {}): Promise<void> {
  const { credentials } = await emulator.authFor(workload)
  writeFileSync(file, JSON.stringify({ ...credentials, ...more }))
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file)
}

describe('Application Default Credentials', () => {
  test('of a workload from elsewhere get a token with its own scope for each use', async () => {
    await writeExternalAccount()
    const connector = openConnector({ auth: undefined, ...elsewhere })
    ;(await connector.connect(instance)).destroy()
    expect(lastPrincipals()).toEqual({
      admin: { principal: workload, scopes: [admin] },
      login: { principal: workload, scopes: [login] },
    })
    const error = await failureOf(connector.getIamUser())
    expect(error.code).toBe('ALLOYDB_IAM_USER_UNKNOWN')
    expect(error.hint).toContain('Set `user`')
  })

  test('of a workload that acts as a service account are that account', async () => {
    const account = `http://${emulator.host}/v1/projects/-/serviceAccounts/${app}:generateAccessToken`
    await writeExternalAccount({ service_account_impersonation_url: account })
    const connector = openConnector({ auth: undefined, ...elsewhere })
    ;(await connector.connect(instance)).destroy()
    expect(lastPrincipals()).toEqual({
      admin: { principal: app, scopes: [admin] },
      login: { principal: app, scopes: [login] },
    })
    expect(await connector.getIamUser()).toBe('app@p.iam')
  })

  test('that a GoogleAuth found are used with both scopes, too', async () => {
    await writeExternalAccount()
    const auth = new GoogleAuth({ projectId: 'p', scopes: ['https://example.com'] })
    ;(await openConnector({ auth, ...elsewhere }).connect(instance)).destroy()
    expect(lastPrincipals()).toEqual({
      admin: { principal: workload, scopes: [admin] },
      login: { principal: workload, scopes: [login] },
    })
  })

  test('that were refused are read anew, since somebody may have mended the file', async () => {
    await writeExternalAccount({
      credential_source: { url: `http://${emulator.host}/emulator/subject-token/none` },
    })
    const connector = openConnector({ auth: undefined, ...elsewhere })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_REJECTED')
    await writeExternalAccount()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 }) // until then, the failure is given to all
    ;(await connector.connect(instance)).destroy()
  })

  test('of an attached service account come from the metadata server', async () => {
    vi.stubEnv('GCE_METADATA_HOST', emulator.host)
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined)
    vi.stubEnv('CLOUDSDK_CONFIG', directory)
    const expected = {
      admin: { principal: app, scopes: [admin] },
      login: { principal: app, scopes: [login] },
    }
    const connector = openConnector({ auth: undefined, ...elsewhere })
    ;(await connector.connect(instance)).destroy()
    expect(lastPrincipals()).toEqual(expected)
    expect(await connector.getIamUser()).toBe('app@p.iam')

    const given = openConnector({ auth: new GoogleAuth({ projectId: 'p' }), ...elsewhere })
    ;(await given.connect(instance)).destroy()
    expect(lastPrincipals()).toEqual(expected)
  })

  test('that are nowhere say how to get some', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined)
    vi.stubEnv('CLOUDSDK_CONFIG', directory)
    const error = await failureOf(openConnector({ auth: undefined, ...elsewhere }).connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_NOT_FOUND')
    expect(error.hint).toContain('`gcloud auth application-default login`')
  })
})

test('the IAM user of a user comes from the token info', async () => {
  const { credentials, clientOptions } = await emulator.authFor(user)
  if (credentials.type !== 'authorized_user') throw new Error('not a user')
  const { UserRefreshClient } = await import('google-auth-library')
  const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = credentials
  const auth = new UserRefreshClient({ clientId, clientSecret, refreshToken, ...clientOptions })
  expect(await openConnector({ auth }).getIamUser()).toBe(user)
})
