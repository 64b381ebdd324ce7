import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import {
  accessToken,
  api,
  certificate,
  clientCertificate,
  connect,
  exchangeRequest,
  login,
  LOGIN,
  OK,
  read,
  secure,
} from './dial.ts'

const postgres = inject('postgres')
let emulator: Emulator
let infoPath: string

beforeAll(async () => {
  emulator = await startEmulator({ postgres })
  infoPath = `v1beta/${emulator.instance}/connectionInfo`
})
afterEach(() => {
  vi.useRealTimers()
  emulator.faults.clear()
})
afterAll(() => emulator.stop())

const passwordLogin = (): ReturnType<typeof login> => login(emulator, { password: 'postgres' })

test('an HTTP step fails with the status, reason and Retry-After that are asked for, so many times', async () => {
  const fault = emulator.faults.add({
    step: 'connectionInfo',
    fail: { status: 503, message: 'try later', reason: 'BUSY', retryAfterSeconds: 7 },
    times: 1,
  })
  const { status, headers, body } = await api(emulator, 'GET', infoPath)
  expect([status, headers.get('retry-after')]).toEqual([503, '7'])
  expect(body.error).toMatchObject({
    code: 503,
    status: 'UNAVAILABLE',
    message: 'try later',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'BUSY' },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
    ],
  })
  expect(emulator.requests.at(-1)?.outcome).toBe('faulted')
  expect((await api(emulator, 'GET', infoPath)).status).toBe(200)
  expect(fault.hits).toBe(1)
})

test("an HTTP step's failure has the details that the service gives for its reason, or those of the fault", async () => {
  const { client_email: principal } = emulator.serviceAccount
  const failWith = async (reason: string, metadata?: Record<string, string>): Promise<any> => {
    const fault = emulator.faults.add({ step: 'connectionInfo', fail: { status: 403, reason, metadata } })
    const { body } = await api(emulator, 'GET', infoPath)
    fault.remove()
    return body.error
  }
  expect(await failWith('IAM_PERMISSION_DENIED')).toMatchObject({
    status: 'PERMISSION_DENIED',
    message: expect.stringContaining("Permission 'alloydb.instances.connect' denied on resource"),
    details: [
      {
        domain: 'iam.googleapis.com',
        metadata: { permission: 'alloydb.instances.connect', resource: emulator.instance, principal },
      },
    ],
  })
  expect((await failWith('SERVICE_DISABLED')).details[0]).toMatchObject({
    domain: 'googleapis.com',
    metadata: { service: 'alloydb.googleapis.com', consumer: 'projects/emulator' },
  })
  const metadata = { permission: 'resourcemanager.projects.get' }
  expect((await failWith('IAM_PERMISSION_DENIED', metadata)).details[0].metadata).toEqual(metadata)
  expect((await failWith('OTHER')).details).toEqual([
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'OTHER', domain: 'googleapis.com' },
  ])

  const cluster = emulator.instance.replace(/\/instances\/.*/, '')
  emulator.faults.add({ step: 'certificate', fail: { status: 403, reason: 'IAM_PERMISSION_DENIED' } })
  await expect(certificate(emulator)).rejects.toThrow(
    `Permission 'alloydb.clusters.generateClientCertificate' denied on resource '${cluster}'`,
  )
})

test("the token endpoint fails in OAuth's shape", async () => {
  emulator.faults.add({ step: 'token', fail: { status: 400, message: 'clock' } })
  await expect(accessToken(emulator.auth)).rejects.toThrow('invalid_grant: clock')
})

test('an HTTP step answers with garbage, with lies, in pieces, or late', async () => {
  const token = await accessToken(emulator.auth)
  const garbage = emulator.faults.add({ step: 'connectionInfo', garbage: true })
  await expect(api(emulator, 'GET', infoPath, { token })).rejects.toThrow(SyntaxError)
  garbage.remove()
  emulator.faults.add({
    step: 'connectionInfo',
    replace: { ipAddress: '192.0.2.9', pscDnsName: undefined },
    times: 1,
  })
  const { body } = await api(emulator, 'GET', infoPath, { token })
  expect(body.ipAddress).toBe('192.0.2.9')
  expect(body).not.toHaveProperty('pscDnsName')
  emulator.faults.add({ step: 'connectionInfo', chunkBytes: 1, times: 1 })
  expect((await api(emulator, 'GET', infoPath, { token })).body.ipAddress).toBe('127.0.0.1')
  emulator.faults.add({ step: 'connectionInfo', delayMs: 100, times: 1 })
  const before = performance.now()
  expect((await api(emulator, 'GET', infoPath, { token })).status).toBe(200)
  expect(performance.now() - before).toBeGreaterThan(95)
})

test.each(['FIN', 'RST'] as const)('an HTTP connection is cut by %s', async (close) => {
  const token = await accessToken(emulator.auth)
  emulator.faults.add({ step: 'connectionInfo', close })
  await expect(api(emulator, 'GET', infoPath, { token })).rejects.toThrow('fetch failed')
})

test('a fault is over after its time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const fault = emulator.faults.add({ step: 'connectionInfo', fail: { status: 503 }, forMs: 60_000 })
  vi.advanceTimersByTime(59_999)
  expect((await api(emulator, 'GET', infoPath)).status).toBe(503)
  expect(fault.active).toBe(true)
  vi.advanceTimersByTime(1)
  expect((await api(emulator, 'GET', infoPath)).status).toBe(200)
  expect(fault).toMatchObject({ active: false, hits: 1 })
})

test('faults that are over do not pile up', () => {
  const first = emulator.faults.add({ step: 'tcp', stall: true, forMs: 0 })
  for (let more = 0; more < 2_000; more += 1) emulator.faults.add({ step: 'tcp', stall: true, forMs: 0 })
  expect(emulator.faults.all.length).toBeLessThanOrEqual(1_000)
  expect(emulator.faults.find(first.id)).toBeUndefined()
})

test('a token is issued expired, or is none', async () => {
  emulator.faults.add({ step: 'token', lifetimeMs: -1_000, replace: { expires_in: 3_599 }, times: 1 })
  const expired = await api(emulator, 'GET', infoPath)
  expect(expired.body.error.details[0].reason).toBe('ACCESS_TOKEN_EXPIRED')
  emulator.faults.add({ step: 'token', replace: { access_token: null }, times: 1 })
  await expect(accessToken(emulator.auth)).rejects.toThrow('Could not refresh access token.')
})

test('a fault is for one instance, when it says so', async () => {
  const other = 'projects/p/locations/r/clusters/c/instances/i'
  await using two = await startEmulator({ postgres, instances: [emulator.instance, other] })
  two.faults.add({ step: 'connectionInfo', instance: other, fail: { status: 500 } })
  two.faults.add({ step: 'certificate', instance: two.instance, fail: { status: 429 } })
  expect((await api(two, 'GET', infoPath)).status).toBe(200)
  await expect(certificate(two)).rejects.toThrow('RESOURCE_EXHAUSTED')
})

test('a client certificate is issued expired, or not valid yet, or by a strange authority, and is refused', async () => {
  emulator.faults.add({ step: 'certificate', notAfter: new Date(Date.now() - 60_000), times: 1 })
  const expired = await certificate(emulator)
  expect(Date.parse(new X509Certificate(expired.pemCertificateChain[0]!).validTo)).toBeLessThan(Date.now())
  emulator.faults.add({
    step: 'certificate',
    notBefore: new Date(Date.now() + 60_000).toISOString(),
    times: 1,
  })
  const early = await certificate(emulator)
  expect(Date.parse(new X509Certificate(early.pemCertificateChain[0]!).validFrom)).toBeGreaterThan(Date.now())
  emulator.faults.add({ step: 'certificate', untrusted: true, times: 1 })
  const untrusted = await certificate(emulator)
  for (const issued of [expired, early, untrusted]) {
    const socket = await secure(emulator, { issued })
    socket.on('error', () => {})
    expect(await read(socket).catch(() => Buffer.alloc(0))).toHaveLength(0)
  }
})

test('a TCP connection is cut, or stalls', async () => {
  const { port } = emulator.instances[0]!
  for (const close of ['FIN', 'RST'] as const) {
    emulator.faults.add({ step: 'tcp', close, times: 1 })
    const socket = connectTcp(port, '127.0.0.1')
    const errors: unknown[] = []
    socket.on('error', (error) => errors.push(error)).resume()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(errors).toHaveLength(close === 'RST' ? 1 : 0)
  }
  emulator.faults.add({ step: 'tcp', stall: true, times: 1 })
  const issued = await certificate(emulator)
  const outcome = await Promise.race([
    secure(emulator, { issued }).then(() => 'secure'),
    new Promise((resolve) => setTimeout(resolve, 200, 'stalled')),
  ])
  expect(outcome).toBe('stalled')
})

/** Sends bytes over plain TCP, and gives all that comes back. */
async function say(bytes: Uint8Array): Promise<Buffer> {
  const socket = connectTcp(emulator.instances[0]!.port, '127.0.0.1')
  socket.write(bytes)
  return Buffer.concat(await socket.toArray())
}

test('garbage comes in place of TLS: before the first words of the client, or in answer to them', async () => {
  emulator.faults.add({ step: 'tcp', garbage: 'SSH-2.0-sshd\r\n', times: 1 })
  expect((await say(Buffer.alloc(0))).toString()).toBe('SSH-2.0-sshd\r\n')
  emulator.faults.add({ step: 'tls', garbage: true, times: 1 })
  expect((await say(Buffer.from('hello'))).toString()).toMatch(/^HTTP\/1\.1 400/)
  emulator.faults.add({ step: 'tls', garbage: new Uint8Array(16), times: 1 })
  await expect(secure(emulator)).rejects.toThrow(/wrong version number|packet length|SSL/i)
})

test.each(['handshake_failure', 'access_denied', 'internal_error', 'unrecognized_name'] as const)(
  'TLS fails by the alert %s',
  async (alert) => {
    emulator.faults.add({ step: 'tls', fail: { alert } })
    const words = new RegExp(alert.replace('_', ' '))
    await expect(secure(emulator)).rejects.toThrow(words)
    expect(emulator.requests.findLast(({ step }) => step === 'tls')?.outcome).toBe('faulted')
  },
)

test("TLS stalls in the middle of the server's first words", async () => {
  const fault = emulator.faults.add({ step: 'tls', stall: true, times: 1 })
  const tcp = connectTcp(emulator.instances[0]!.port, '127.0.0.1')
  let received = 0
  const readable = tcp.pipe(new PassThrough()).on('data', ({ length }: Buffer) => (received += length))
  const socket = connectTls({ socket: Duplex.from({ readable, writable: tcp }) }).on('error', () => {})
  await expect.poll(() => received).toBe(60)
  expect(fault.hits).toBe(1)
  expect(tcp.destroyed).toBe(false)
  socket.destroy()
  tcp.destroy()
})

test.each(['tcp', 'tls', 'exchange', 'postgres'] as const)(
  'a stall of %s keeps no connection that the client has given up',
  async (step) => {
    const before = connections()
    const fault = emulator.faults.add({ step, stall: true })
    const socket = connectTls({
      port: emulator.instances[0]!.port,
      host: '127.0.0.1',
      ...(await clientCertificate(emulator)),
    }).on('error', () => {})
    socket.once('secureConnect', () => void accessToken(emulator.auth, LOGIN).then(send))
    const send = (token: string): void => void socket.write(Buffer.concat([exchangeRequest(token), startup]))
    await expect.poll(() => fault.hits).toBe(1)
    socket.end()
    socket.destroy()
    await expect.poll(connections).toBeLessThanOrEqual(before)
  },
)

/** How many connections of the server-side proxy's this process holds, of either side. */
function connections(): number {
  const { port } = emulator.instances[0]!
  const handles = (process as unknown as { _getActiveHandles(): Socket[] })._getActiveHandles()
  return handles.filter(
    ({ localPort, remotePort }) => remotePort && (localPort === port || remotePort === port),
  ).length
}

test('all that the server sends comes in pieces, across the records of TLS', async () => {
  emulator.faults.add({ step: 'tls', chunkBytes: 7, times: 1 })
  const client = await passwordLogin()
  expect((await client.query('select repeat($1, 3) as answer', ['ab'])).rows).toEqual([{ answer: 'ababab' }])
  await client.end()
})

test.each([
  ['wrong-authority', /certificate|signature/i],
  ['wrong-address', /altnames/i],
  ['expired', /expired/i],
  ['not-yet-valid', /not yet valid/i],
] as const)('the server certificate is refused: %s', async (serverCertificate, message) => {
  emulator.faults.add({ step: 'tls', serverCertificate })
  await expect(secure(emulator)).rejects.toThrow(message)
  await expect.poll(() => emulator.requests.findLast(({ step }) => step === 'tls')?.outcome).toBe('faulted')
})

test('the TLS version is too old', async () => {
  emulator.faults.add({ step: 'tls', maxVersion: 'TLSv1.2' })
  await expect(secure(emulator)).rejects.toThrow(/version|alert/i)
})

test.each(['FIN', 'RST'] as const)('a TLS connection is cut by %s after the handshake', async (close) => {
  emulator.faults.add({ step: 'tls', close })
  const socket = await secure(emulator)
  const result = read(socket).then(
    () => 'end',
    (error: NodeJS.ErrnoException) => error.code,
  )
  expect(await result).toBe(close === 'RST' ? 'ECONNRESET' : 'end')
})

test('the exchange answers with other bytes, with ERROR, in pieces, or not at all', async () => {
  const issued = await certificate(emulator)
  const request = exchangeRequest(await accessToken(emulator.auth, LOGIN))
  const exchange = async (bytes?: number): Promise<Buffer> => {
    const socket = await secure(emulator, { issued })
    socket.write(request)
    const answer = await read(socket, bytes)
    socket.destroy()
    return answer
  }
  const respond = Buffer.from([1, 0, 0, 0])
  emulator.faults.add({ step: 'exchange', garbage: respond, times: 1 })
  expect(await exchange()).toEqual(respond)
  emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
  expect((await exchange()).toString()).toContain('not today')
  emulator.faults.add({ step: 'exchange', close: 'FIN', times: 1 })
  expect(await exchange()).toHaveLength(0)
  emulator.faults.add({ step: 'exchange', chunkBytes: 1, times: 1 })
  const socket = await secure(emulator, { issued })
  const sizes: number[] = []
  socket.on('data', (chunk: Buffer) => sizes.push(chunk.length)).write(request)
  await expect.poll(() => sizes).toEqual([1, 1, 1, 1, 1, 1])
  socket.destroy()
  emulator.faults.add({ step: 'exchange', stall: true, times: 1 })
  const stalled = Promise.race([exchange(), new Promise((resolve) => setTimeout(resolve, 200, 'stalled'))])
  expect(await stalled).toBe('stalled')
})

test("PostgreSQL's first words come in one piece with the exchange's answer", async () => {
  emulator.faults.add({ step: 'exchange', glueWithPostgres: true })
  const socket = await secure(emulator)
  socket.write(exchangeRequest(await accessToken(emulator.auth, LOGIN)))
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(first.subarray(0, 6)).toEqual(OK)
  expect(first.subarray(6).toString('latin1')).toMatch(/^E.*C53300.*too many clients/s)
})

/** A startup message for the user `postgres`. */
const startup = Buffer.from('\0\0\0\x18\0\x03\0\0user\0postgres\0\0\0', 'latin1')

test('PostgreSQL refuses, is cut, stalls, or answers with garbage, or in pieces', async () => {
  emulator.faults.add({
    step: 'postgres',
    fail: { code: '57P03', message: 'starting up' },
    times: 1,
  })
  await expect(passwordLogin()).rejects.toMatchObject({ code: '57P03', message: 'starting up' })
  emulator.faults.add({ step: 'postgres', close: 'RST', times: 1 })
  await expect(passwordLogin()).rejects.toThrow()
  emulator.faults.add({ step: 'postgres', garbage: { base64: 'AAAA' }, times: 1 })
  const socket = await connect(emulator)
  socket.write(startup)
  expect(await read(socket)).toEqual(Buffer.alloc(3))
  const stall = emulator.faults.add({ step: 'postgres', stall: true, times: 1 })
  const stalled = await connect(emulator)
  stalled.write(startup)
  await expect.poll(() => stall.hits).toBe(1)
  expect(stalled.destroyed).toBe(false)
  stalled.destroy()
  emulator.faults.add({ step: 'postgres', chunkBytes: 1, times: 1 })
  const client = await passwordLogin()
  expect((await client.query('select 42 as answer')).rows).toEqual([{ answer: 42 }])
  await client.end()
})

test.each(['FIN', 'RST'] as const)(
  'disconnectAll cuts open sessions by %s, and new ones work',
  async (how) => {
    const client = await passwordLogin()
    const ended = new Promise((resolve) => client.once('end', resolve))
    emulator.disconnectAll(how)
    await ended
    const next = await connect(emulator)
    next.destroy()
  },
)

test('an instance is gone, and comes back on its port', async () => {
  const client = await passwordLogin()
  const ended = new Promise((resolve) => client.once('end', resolve))
  const { port } = emulator.instances[0]!
  await emulator.stopInstance(emulator.instance)
  await ended
  await expect(passwordLogin()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await emulator.startInstance(emulator.instance)
  expect(emulator.instances[0]!.port).toBe(port)
  await (await passwordLogin()).end()
})

test('an instance moves, and its certificate with it', async () => {
  await emulator.setAddresses(emulator.instance, { privateIpAddress: '127.0.0.3', publicIpAddress: null })
  const { body } = await api(emulator, 'GET', infoPath)
  expect(body).toMatchObject({ ipAddress: '127.0.0.3' })
  const socket = await secure(emulator, { host: '127.0.0.3' })
  socket.destroy()
  await expect(secure(emulator, { host: '127.0.0.1' })).rejects.toThrow(/altnames/i)
  await emulator.setAddresses(emulator.instance, { privateIpAddress: '127.0.0.1' })
})
