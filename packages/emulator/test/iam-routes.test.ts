import { ExternalAccountClient } from 'google-auth-library'
import { afterAll, beforeEach, expect, inject, test } from 'vitest'
import { startEmulator } from '../src/index.ts'
import { accessToken, api, iamUser, login } from './dial.ts'

const DEFAULT_ROLES = [
  'roles/alloydb.client',
  'roles/alloydb.databaseUser',
  'roles/alloydb.viewer',
  'roles/serviceusage.serviceUsageConsumer',
]
const ADA = 'ada@example.com'
const WORKER = 'worker@p.iam.gserviceaccount.com'
const WORKLOAD =
  'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/emulator/subject/ci'

const emulator = await startEmulator({ postgres: inject('postgres') })
const app = emulator.serviceAccount.client_email
beforeEach(() => {
  for (const email of emulator.iam.principals) emulator.iam.remove(email)
  emulator.iam.setRoles(app)
  Object.assign(emulator.iam, { apiDisabled: false, quotaPerMinute: undefined })
})
afterAll(() => emulator.stop())

const GOOGLE = 'https://oauth2.googleapis.com/token'
const json = { 'content-type': 'application/json' }
async function call(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Record<string, string> = json,
): Promise<{ status: number; body: any }> {
  const response = await fetch(`http://${emulator.host}/emulator/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

/** Gets a token as a client in another language would: by the file alone, which says where to go. */
async function tokenFromFile(email: string): Promise<string> {
  const { status, body } = await call('GET', `credentials/${email}.json`)
  expect(status).toBe(200)
  const fetchImplementation: typeof fetch = (input, init) =>
    fetch(new Request(input).url === GOOGLE ? body.token_uri : input, init)
  return accessToken({ credentials: body, clientOptions: { transporterOptions: { fetchImplementation } } })
}

test('who there is, and what they may do, is told as JSON', async () => {
  expect(await call('GET', 'iam')).toEqual({
    status: 200,
    body: { principals: [{ email: app, roles: DEFAULT_ROLES }], apiDisabled: false, quotaPerMinute: null },
  })
})

test('the default principal can look around, unless it has roles of its own', async () => {
  const path = `v1/${emulator.instance.replace(/\/instances\/.*/, '')}/instances`
  expect((await api(emulator, 'GET', path)).body.instances).toHaveLength(1)
  await call('POST', 'iam', { principals: [{ email: app, roles: ['roles/alloydb.client'] }] })
  expect((await api(emulator, 'GET', path)).status).toBe(403)
})

test('a principal is made, gets other roles, and is removed', async () => {
  const roles = ['roles/alloydb.client']
  const made = await call('POST', 'iam', { principals: [{ email: WORKER, roles }] })
  expect(made.body.principals).toContainEqual({ email: WORKER, roles })
  const token = await tokenFromFile(WORKER)
  const info = `v1beta/${emulator.instance}/connectionInfo`
  expect((await api(emulator, 'GET', info, { token })).status).toBe(200)

  await call('POST', 'iam', { principals: [{ email: WORKER, roles: [] }] })
  expect((await api(emulator, 'GET', info, { token })).status).toBe(403)
  await call('POST', 'iam', { principals: [{ email: WORKER }] })
  expect(emulator.iam.rolesOf(WORKER)).toEqual(DEFAULT_ROLES)

  const { body } = await call('DELETE', `iam/${WORKER}`)
  expect(body.principals).toEqual([{ email: app, roles: DEFAULT_ROLES }])
  expect((await api(emulator, 'GET', info, { token })).status).toBe(401)
  expect((await call('DELETE', `iam/${WORKER}`)).status).toBe(404)
})

test('the API is disabled and limited, and what is not said stays as it is', async () => {
  await call('POST', 'iam', { quotaPerMinute: 7 })
  await call('POST', 'iam', { apiDisabled: true })
  expect(emulator.iam).toMatchObject({ apiDisabled: true, quotaPerMinute: 7 })
  expect((await call('POST', 'iam', { quotaPerMinute: null })).body).toMatchObject({
    apiDisabled: true,
    quotaPerMinute: null,
  })
  expect(emulator.iam.quotaPerMinute).toBeUndefined()
})

test.each<[string, unknown, string]>([
  [
    'iam',
    { disabled: true },
    'The IAM setting has no field "disabled".\nIt may have: principals, apiDisabled,',
  ],
  ['iam', { principals: {} }, 'principals is {}.\nExpected a list.'],
  [
    'iam',
    { principals: [{ roles: [] }] },
    'principals[0] has no email.\nIt needs email, and may have: email,',
  ],
  [
    'iam',
    { apiDisabled: true, principals: [{ email: ADA, roles: ['roles/owner'] }] },
    'principals[0].roles[0] is "roles/owner".\nExpected "roles/alloydb.admin" or "roles/alloydb.client" or',
  ],
  [
    'iam',
    { principals: [{ email: 'ada' }] },
    'principals[0].email is "ada".\nExpected an e-mail address, or',
  ],
  ['iam', { quotaPerMinute: -1 }, 'quotaPerMinute is -1.\nExpected a whole number, 0 or more.'],
  ['database-users', { name: 'ada' }, 'The database user has no password.\nIt needs name and password, and'],
  [
    'database-users',
    { email: ADA, password: 'x' },
    'The database user has no field "password".\nIt may have: ',
  ],
  ['database-users', { email: ADA, roles: ['nobody'] }, 'role "nobody" does not exist'],
  ['instance-flags', {}, 'The setting of flags has no iamAuthentication.'],
  ['instance-flags', { iamAuthentication: 'on' }, 'iamAuthentication is "on".\nExpected true or false.'],
])('POST %s refuses %j, and says what would do', async (path, body, message) => {
  const refused = await call('POST', path, body)
  expect(refused.status).toBe(400)
  expect(refused.body.error).toMatchObject({
    status: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  })
  // All or nothing.
  expect(emulator.iam).toMatchObject({ apiDisabled: false, principals: [app] })
})

test('a web page changes nothing, and reads no credentials', async () => {
  const form = { 'content-type': 'text/plain' }
  for (const path of ['iam', 'database-users', 'instance-flags']) {
    expect((await call('POST', path, { apiDisabled: true }, form)).status).toBe(400)
    expect((await call('POST', path, {}, { ...json, origin: 'http://localhost:3000' })).status).toBe(403)
  }
  const origin = { origin: 'http://localhost:3000' }
  expect((await call('GET', `credentials/${app}.json`, undefined, origin)).status).toBe(403)
  expect((await call('DELETE', `iam/${app}`, undefined, origin)).status).toBe(403)
  expect(emulator.iam.apiDisabled).toBe(false)
})

test('a user of e-mail and one of password are added, and log in', async () => {
  await call('POST', 'iam', { principals: [{ email: ADA }] })
  const added = await call('POST', 'database-users', { email: ADA, roles: ['alloydbsuperuser'] })
  expect(added).toEqual({ status: 201, body: { email: ADA, roles: ['alloydbsuperuser'] } })
  const token = await tokenFromFile(ADA)
  await (await login(emulator, { authType: 'AUTO_IAM', user: ADA, token })).end()

  const named = await call('POST', 'database-users', { name: 'eve', password: 'apple' })
  expect(named).toEqual({ status: 201, body: { name: 'eve' } })
  await (await login(emulator, { user: 'eve', password: 'apple' })).end()
})

test('the flag for IAM authentication is set, of one instance or of the first', async () => {
  const options = { authType: 'AUTO_IAM', user: iamUser(emulator) } as const
  const off = await call('POST', 'instance-flags', { iamAuthentication: false })
  expect(off).toEqual({ status: 200, body: { iamAuthentication: false } })
  await expect(login(emulator, options)).rejects.toMatchObject({ code: '28000' })
  await call('POST', 'instance-flags', { iamAuthentication: true, instance: emulator.instance })
  await (await login(emulator, options)).end()
  const instance = emulator.instance.replace('primary', 'other')
  const unknown = await call('POST', 'instance-flags', { iamAuthentication: true, instance })
  expect([unknown.status, unknown.body.error.message]).toEqual([
    400,
    expect.stringContaining(emulator.instance),
  ])
})

test('each kind of principal finds its credentials, which lead to where they were found', async () => {
  await call('POST', 'iam', { principals: [{ email: ADA }, { email: WORKER }, { email: WORKLOAD }] })
  const origin = `http://${emulator.host}`
  const account = await call('GET', `credentials/${WORKER}.json`)
  expect(account.body).toMatchObject({
    type: 'service_account',
    client_email: WORKER,
    token_uri: `${origin}/token`,
  })
  const user = await call('GET', `credentials/${encodeURIComponent(ADA)}.json`)
  expect(user.body).toMatchObject({ type: 'authorized_user', token_uri: `${origin}/token` })
  const workload = await call('GET', `credentials/${encodeURIComponent(WORKLOAD)}.json`)
  expect(workload.body).toMatchObject({ type: 'external_account', token_url: `${origin}/v1/token` })
  expect((await ExternalAccountClient.fromJSON(workload.body)?.getAccessToken())?.token).toMatch(/^ya29/)
})

test('nobody finds the credentials of a principal that is not there', async () => {
  const { status, body } = await call('GET', `credentials/${ADA}.json`)
  expect([status, body.error.message]).toEqual([
    404,
    expect.stringContaining('POST /emulator/iam makes one.'),
  ])
})
