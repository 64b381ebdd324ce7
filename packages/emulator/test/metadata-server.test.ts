import { afterAll, expect, inject, test } from 'vitest'
import { startEmulator } from '../src/index.ts'

const emulator = await startEmulator({ postgres: inject('postgres') })
afterAll(() => emulator.stop())

const account = `http://${emulator.host}/computeMetadata/v1/instance/service-accounts/default`
const headers = { 'metadata-flavor': 'Google' }

test('tells whose credentials are attached, as text', async () => {
  const response = await fetch(`${account}/email`, { headers })
  expect(response.headers.get('metadata-flavor')).toBe('Google')
  expect(await response.text()).toBe(emulator.serviceAccount.client_email)
})

test('gives a token with the scopes that are asked for', async () => {
  const scope = 'https://www.googleapis.com/auth/alloydb.login'
  const response = await fetch(`${account}/token?scopes=${scope}`, { headers })
  const { access_token, token_type } = (await response.json()) as Record<string, string>
  expect(token_type).toBe('Bearer')
  const info = await fetch(`http://${emulator.host}/tokeninfo?access_token=${access_token}`)
  expect(await info.json()).toMatchObject({ email: emulator.serviceAccount.client_email, scope })
})

test('is found, and described, as client libraries want it', async () => {
  const root = await fetch(`http://${emulator.host}/`)
  expect([root.status, root.headers.get('metadata-flavor')]).toEqual([200, 'Google'])
  const base = `http://${emulator.host}/computeMetadata/v1`
  const text = async (path: string): Promise<string> => (await fetch(`${base}/${path}`, { headers })).text()
  expect(await text('project/project-id')).toBe('emulator')
  expect(await text('universe/universe-domain')).toBe('googleapis.com')
  expect(JSON.parse(await text('instance/service-accounts/default/?recursive=true'))).toMatchObject({
    email: emulator.serviceAccount.client_email,
    scopes: ['https://www.googleapis.com/auth/cloud-platform'],
  })
})

test('answers nobody who does not send the header', async () => {
  expect((await fetch(`${account}/token`)).status).toBe(403)
})

test('knows its own account alone, by its name and by its e-mail address', async () => {
  const accounts = account.replace(/default$/, '')
  const own = emulator.serviceAccount.client_email
  expect(await (await fetch(accounts, { headers })).text()).toBe(`default/\n${own}/\n`)
  for (const path of ['', '/email', '/token']) {
    const statuses = ['default', own, 'other@p.iam.gserviceaccount.com'].map(
      async (name) => (await fetch(`${accounts}${name}${path}`, { headers })).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 404])
  }
})

test('gives no token for an account that is gone, and tells its name all the same', async () => {
  emulator.iam.remove(emulator.serviceAccount.client_email)
  const token = await fetch(`${account}/token`, { headers })
  expect([token.status, token.headers.get('metadata-flavor')]).toEqual([404, 'Google'])
  expect(emulator.requests.at(-1)).toMatchObject({
    outcome: 'refused',
    reason: 'The service account was not found.',
  })
  expect((await fetch(`${account}/email`, { headers })).status).toBe(200)
  emulator.iam.setRoles(emulator.serviceAccount.client_email)
  expect((await fetch(`${account}/token`, { headers })).status).toBe(200)
})
