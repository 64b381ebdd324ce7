import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { api, certificate, secure } from './dial.ts'

const postgres = inject('postgres')
let emulator: Emulator

beforeAll(async () => {
  emulator = await startEmulator({ postgres })
})
afterEach(() => emulator.faults.reset())
afterAll(() => emulator.stop())

const json = { 'content-type': 'application/json' }
async function call(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, headers = json }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: any }> {
  const response = await fetch(`http://${emulator.host}/emulator/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

test('a fault is set, looked at and taken away by JSON', async () => {
  const fault = { step: 'certificate', fail: { status: 503 }, times: 2 }
  const set = await call('POST', 'faults', { body: fault })
  expect(set).toEqual({ status: 201, body: { id: expect.any(String), active: true, hits: 0, fault } })
  await expect(certificate(emulator)).rejects.toThrow('UNAVAILABLE')
  const { id } = set.body
  expect((await call('GET', `faults/${id}`)).body).toMatchObject({ id, hits: 1 })
  expect((await call('GET', 'faults')).body).toEqual({
    faults: [{ id, active: true, hits: 1, fault }],
    incidents: [],
  })
  expect((await call('DELETE', `faults/${id}`)).body).toMatchObject({ id, active: false, hits: 1 })
  await certificate(emulator)
  expect((await call('GET', `faults/${id}`)).status).toBe(404)
})

test('all faults are taken away at once, those of JavaScript too', async () => {
  emulator.faults.add({ step: 'certificate', stall: true })
  await call('POST', 'faults', { body: { step: 'tcp', stall: true } })
  expect(await call('DELETE', 'faults')).toEqual({ status: 200, body: {} })
  expect((await call('GET', 'faults')).body).toEqual({ faults: [], incidents: [] })
})

test('a fault that is none is refused, with what is wrong and what is allowed', async () => {
  const refused = await call('POST', 'faults', { body: { step: 'tcp', fail: {} } })
  expect(refused.status).toBe(400)
  expect(refused.body.error).toMatchObject({
    status: 'INVALID_ARGUMENT',
    message: expect.stringContaining('A fault of the step "tcp" has no field "fail".\nIt may have: times,'),
  })
  expect(await call('POST', 'faults', { body: '{' })).toMatchObject({ status: 400 })
  const neither = await call('POST', 'faults', { body: {} })
  expect(neither.body.error.message).toBe('Give a "step" that is to fail, or an "incident" that is to begin.')
  expect(emulator.faults.all).toEqual([])
})

test('a fault of an instance that is not there is refused, and of one that is deleted for a while is not', async () => {
  const { instance } = emulator
  const fault = { step: 'tcp', stall: true }
  const refused = await call('POST', 'faults', { body: { ...fault, instance: `${instance}x` } })
  expect([refused.status, refused.body.error.message]).toEqual([
    400,
    `There is no instance "${instance}x".\nThere are: ${instance}.`,
  ])
  await call('POST', 'faults', { body: { incident: 'deletion' } })
  expect((await call('POST', 'faults', { body: { ...fault, instance } })).status).toBe(201)
})

test('an incident begins and ends by JSON', async () => {
  const incident = { incident: 'maintenance', forMs: 60_000 }
  const begun = await call('POST', 'faults', { body: incident })
  expect(begun).toEqual({ status: 201, body: { id: expect.any(String), active: true, incident } })
  await expect(secure(emulator)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(await call('POST', 'faults', { body: incident })).toMatchObject({ status: 400 })
  const { id } = begun.body
  expect((await call('GET', `faults/${id}`)).body).toMatchObject({ id, active: true })
  expect((await call('DELETE', `faults/${id}`)).body).toMatchObject({ id, active: false })
  ;(await secure(emulator)).destroy()
  expect((await call('GET', `faults/${id}`)).status).toBe(404)

  await call('POST', 'faults', { body: incident })
  await call('DELETE', 'faults')
  ;(await secure(emulator)).destroy()
})

test('a web page sets no fault, and reads nothing', async () => {
  const body = { step: 'tcp', stall: true }
  // What a page can send without asking: a form's content types.
  const form = await call('POST', 'faults', { body, headers: { 'content-type': 'text/plain' } })
  expect(form.status).toBe(400)
  expect(form.body.error.message).toContain('content-type: application/json')
  const origin = { ...json, origin: 'https://example.com' }
  expect((await call('POST', 'faults', { body, headers: origin })).status).toBe(403)
  expect((await call('GET', 'requests', { headers: origin })).status).toBe(403)
  // What a browser asks first where a page wants more.
  const preflight = await fetch(`http://${emulator.host}/emulator/faults`, {
    method: 'OPTIONS',
    headers: { origin: 'https://example.com', 'access-control-request-method': 'POST' },
  })
  await preflight.text()
  expect(preflight.headers.has('access-control-allow-origin')).toBe(false)
  expect(emulator.faults.all).toEqual([])
})

test('requests are counted by JSON, with their times', async () => {
  const before = Date.now()
  const path = `v1beta/${emulator.instance}/connectionInfo`
  expect((await api(emulator, 'GET', path)).status).toBe(200)
  const { body } = await call('GET', 'requests')
  const last = body.requests.at(-1)
  expect(last).toMatchObject({ step: 'connectionInfo', outcome: 'served', resource: emulator.instance })
  expect(last.at).toBeGreaterThanOrEqual(before)
  expect(JSON.stringify(body)).not.toMatch(/ya29|PRIVATE/)
})
