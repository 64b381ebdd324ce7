import type { Fault, Incident } from '@alloydb/emulator'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AlloyDBErrorCode, ConnectorOptions } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

// Every fault that the emulator knows, and what a connector makes of it. What it says is held against docs/errors.md by
// `failureOf`.

const inCluster = (cluster: string): string => `projects/p/locations/r/clusters/${cluster}/instances/i`
const instance = inCluster('c')
const stalling = ['connectionInfo', 'certificate', 'tcp', 'tls', 'exchange'] as const
const { emulator, countRequests, openConnector } = await startHarness({
  instances: [instance, ...stalling.map(inCluster)],
})

afterEach(() => {
  vi.useRealTimers()
})

type Row = [what: string, fault: Fault, code: AlloyDBErrorCode, text: string]

const ago = new Date(Date.now() - 60_000)
const ahead = new Date(Date.now() + 60_000)

const tokenFaults: Row[] = [
  [
    'an error of the credentials',
    { step: 'token', fail: { status: 400, message: 'Invalid JWT Signature.' } },
    'ALLOYDB_CREDENTIALS_REJECTED',
    'invalid_grant: Invalid JWT Signature.',
  ],
  [
    'an error without a reason',
    { step: 'token', fail: { status: 403, reason: 'org_internal' } },
    'ALLOYDB_CREDENTIALS_REJECTED',
    '(HTTP 403)',
  ],
  [
    'a close',
    { step: 'token', close: 'FIN' },
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    'fetch failed: other side closed',
  ],
  ['a reset', { step: 'token', close: 'RST' }, 'ALLOYDB_CREDENTIALS_UNAVAILABLE', 'ECONNRESET'],
  [
    'a login page',
    { step: 'token', garbage: true },
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    'the answer of the token endpoint holds none',
  ],
  ['half an answer', { step: 'token', garbage: '{"access' }, 'ALLOYDB_CREDENTIALS_UNAVAILABLE', 'holds none'],
  [
    'no token',
    { step: 'token', replace: { access_token: null } },
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    'holds none',
  ],
  [
    'an expired token',
    { step: 'token', lifetimeMs: -1_000, replace: { expires_in: 3_599 } },
    'ALLOYDB_UNAUTHENTICATED',
    'did not accept the credentials',
  ],
]

const adminFaults: Row[] = (['connectionInfo', 'certificate'] as const).flatMap((step): Row[] => [
  [
    '400',
    { step, fail: { status: 400, message: 'Bad location.' } },
    'ALLOYDB_INVALID_REQUEST',
    'Bad location.',
  ],
  ['401', { step, fail: { status: 401 } }, 'ALLOYDB_UNAUTHENTICATED', 'did not accept the credentials'],
  [
    'a bare 403',
    { step, fail: { status: 403, message: 'Forbidden.' } },
    'ALLOYDB_PERMISSION_DENIED',
    'Forbidden.',
  ],
  [
    'an API that is not enabled',
    { step, fail: { status: 403, reason: 'SERVICE_DISABLED' } },
    'ALLOYDB_API_DISABLED',
    'The API alloydb.googleapis.com is not enabled in project "p"',
  ],
  ['404', { step, fail: { status: 404 } }, 'ALLOYDB_INSTANCE_NOT_FOUND', 'There is no instance'],
  [
    'a time to come back',
    { step, fail: { status: 429, retryAfterSeconds: 60 } },
    'ALLOYDB_QUOTA_EXCEEDED',
    'could not be refreshed',
  ],
  ['500', { step, fail: { status: 500 } }, 'ALLOYDB_ADMIN_API_UNAVAILABLE', '(HTTP 500)'],
  ['503', { step, fail: { status: 503 } }, 'ALLOYDB_ADMIN_API_UNAVAILABLE', '(HTTP 503)'],
  ['a close', { step, close: 'FIN' }, 'ALLOYDB_ADMIN_API_UNAVAILABLE', 'could not be reached for'],
  ['a reset', { step, close: 'RST' }, 'ALLOYDB_ADMIN_API_UNAVAILABLE', 'ECONNRESET'],
  ['a login page', { step, garbage: true }, 'ALLOYDB_ADMIN_API_INVALID_RESPONSE', 'The Admin API gave no'],
  [
    'half an answer',
    { step, garbage: '{"name' },
    'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
    'The Admin API gave no',
  ],
  ['an empty answer', { step, garbage: '{}' }, 'ALLOYDB_ADMIN_API_INVALID_RESPONSE', 'The Admin API gave no'],
])

const contentFaults: Row[] = [
  [
    'an instance without an address',
    { step: 'connectionInfo', replace: { ipAddress: null } },
    'ALLOYDB_IP_TYPE_NOT_FOUND',
    'has no private IP address',
  ],
  [
    'an address that is none',
    { step: 'connectionInfo', replace: { ipAddress: 'no host' } },
    'ALLOYDB_TCP_FAILED',
    'TCP to no host:',
  ],
  [
    'a certificate that is none',
    { step: 'certificate', replace: { pemCertificateChain: ['x'] } },
    'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
    'cannot be used',
  ],
  [
    'no certificate',
    { step: 'certificate', replace: { pemCertificateChain: [] } },
    'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
    'gave no client certificate',
  ],
  [
    'no CA',
    { step: 'certificate', replace: { caCert: null } },
    'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
    'gave no client certificate',
  ],
  [
    'a certificate of the past',
    { step: 'certificate', notAfter: ago },
    'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED',
    'just fetched',
  ],
  [
    'a certificate of the future',
    { step: 'certificate', notBefore: ahead },
    'ALLOYDB_EXCHANGE_CLOSED',
    'The connection broke',
  ],
  [
    'a certificate of another CA',
    { step: 'certificate', untrusted: true },
    'ALLOYDB_EXCHANGE_CLOSED',
    'The connection broke',
  ],
]

const tcpFaults: Row[] = [
  [
    'a close',
    { step: 'tcp', close: 'FIN' },
    'ALLOYDB_TLS_FAILED',
    'disconnected before secure TLS connection',
  ],
  ['a reset', { step: 'tcp', close: 'RST', delayMs: 50 }, 'ALLOYDB_TLS_FAILED', 'ECONNRESET'],
  [
    'what is no TLS',
    { step: 'tcp', garbage: 'SSH-2.0-sshd\r\n' },
    'ALLOYDB_TLS_FAILED',
    'what answered is not TLS',
  ],
]

const tlsFaults: Row[] = [
  [
    'a failed handshake',
    { step: 'tls', fail: { alert: 'handshake_failure' } },
    'ALLOYDB_TLS_FAILED',
    'alert handshake failure',
  ],
  [
    'a denial',
    { step: 'tls', fail: { alert: 'access_denied' } },
    'ALLOYDB_TLS_FAILED',
    'alert access denied',
  ],
  [
    'an internal error',
    { step: 'tls', fail: { alert: 'internal_error' } },
    'ALLOYDB_TLS_FAILED',
    'alert internal error',
  ],
  [
    'a name that is not known',
    { step: 'tls', fail: { alert: 'unrecognized_name' } },
    'ALLOYDB_TLS_FAILED',
    'unrecognized name',
  ],
  [
    'a version that is not spoken',
    { step: 'tls', fail: { alert: 'protocol_version' } },
    'ALLOYDB_TLS_VERSION_UNSUPPORTED',
    'does not speak TLS 1.3',
  ],
  [
    'TLS 1.2',
    { step: 'tls', maxVersion: 'TLSv1.2' },
    'ALLOYDB_TLS_VERSION_UNSUPPORTED',
    'does not speak TLS 1.3',
  ],
  ['what is no TLS', { step: 'tls', garbage: true }, 'ALLOYDB_TLS_FAILED', 'what answered is not TLS'],
  [
    'a certificate of another CA',
    { step: 'tls', serverCertificate: 'wrong-authority' },
    'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
    'is not of the CA of the cluster',
  ],
  [
    'a certificate for another address',
    { step: 'tls', serverCertificate: 'wrong-address' },
    'ALLOYDB_SERVER_ADDRESS_MISMATCH',
    'it is for: IP Address:192.0.2.1, DNS:elsewhere.invalid',
  ],
  [
    'an expired certificate',
    { step: 'tls', serverCertificate: 'expired' },
    'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
    'is not valid at this time: certificate has expired',
  ],
  [
    'a certificate of the future',
    { step: 'tls', serverCertificate: 'not-yet-valid' },
    'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
    'is not valid at this time: certificate is not yet valid',
  ],
  [
    'a close after the handshake',
    { step: 'tls', close: 'FIN' },
    'ALLOYDB_EXCHANGE_CLOSED',
    'The connection broke in the metadata exchange',
  ],
  [
    'a reset after the handshake',
    { step: 'tls', close: 'RST' },
    'ALLOYDB_EXCHANGE_CLOSED',
    'The connection broke in the metadata exchange',
  ],
]

const postgresError = Buffer.concat([
  Buffer.from('E\0\0\0\x48'),
  Buffer.from('SFATAL\0C28000\0Mno pg_hba.conf entry for host "10.0.0.1", no encryption\0\0'),
])
postgresError.writeUInt32BE(postgresError.length - 1, 1)

const exchangeFaults: Row[] = [
  [
    'an ERROR response',
    { step: 'exchange', fail: { message: 'IAM says no' } },
    'ALLOYDB_EXCHANGE_REJECTED',
    'IAM says no',
  ],
  [
    'a response of zero bytes',
    { step: 'exchange', garbage: Buffer.alloc(4) },
    'ALLOYDB_EXCHANGE_REJECTED',
    'the response code is 0, with no reason given',
  ],
  ['garbage', { step: 'exchange', garbage: true }, 'ALLOYDB_EXCHANGE_INVALID', 'claims to be'],
  [
    'what is no message',
    { step: 'exchange', garbage: Buffer.from('00000003ffffff', 'hex') },
    'ALLOYDB_EXCHANGE_INVALID',
    'protobuf',
  ],
  [
    'a response of 16 MiB',
    { step: 'exchange', garbage: Buffer.from([1, 0, 0, 0]) },
    'ALLOYDB_EXCHANGE_INVALID',
    'claims to be 16777216 bytes long',
  ],
  [
    'a PostgreSQL error',
    { step: 'exchange', garbage: postgresError },
    'ALLOYDB_EXCHANGE_POSTGRES_ERROR',
    'FATAL: no pg_hba.conf entry for host "10.0.0.1", no encryption (SQLSTATE 28000)',
  ],
  [
    'an E that is no PostgreSQL error',
    { step: 'exchange', garbage: Buffer.from('ETTP/1.1 400') },
    'ALLOYDB_EXCHANGE_INVALID',
    'claims to be',
  ],
  [
    'a close',
    { step: 'exchange', close: 'FIN' },
    'ALLOYDB_EXCHANGE_CLOSED',
    'the server closed the connection',
  ],
  ['a reset', { step: 'exchange', close: 'RST' }, 'ALLOYDB_EXCHANGE_CLOSED', 'The connection broke'],
  [
    'a close in the middle of the response',
    { step: 'exchange', garbage: Buffer.from([0, 0, 0, 9, 8]) },
    'ALLOYDB_EXCHANGE_CLOSED',
    'in the middle of its response',
  ],
]

describe.each([
  ['of the token endpoint', tokenFaults],
  ['of the Admin API', adminFaults],
  ['in what the Admin API says', contentFaults],
  ['before TLS', tcpFaults],
  ['in the TLS handshake', tlsFaults],
  ['in the metadata exchange', exchangeFaults],
])('a fault %s shows as its documented error', (_, rows) => {
  test.each(rows.map((row) => [row[1].step, ...row] as const))(
    '%s: %s',
    async (_step, _what, fault, code, text) => {
      emulator.faults.add(fault)
      const error = await failureOf(openConnector().connect(instance))
      expect(error.code).toBe(code)
      expect(error.summary).toContain(text)
      expect(error.hint).toBeTypeOf('string')
      if (fault.step === 'token') return // credentials are not of one instance
      expect(error.summary).toContain(`nstance "${instance}"`)
      expect(error.instance).toBe(instance)
    },
  )
})

describe('a stall', () => {
  test('at any step of one instance ends in the timeout of that step', async () => {
    for (const step of stalling) emulator.faults.add({ step, stall: true, instance: inCluster(step) })
    const connector = openConnector({ connectTimeoutMs: 1_000, refreshTimeoutMs: 5_000 })
    const impatient = openConnector({ refreshTimeoutMs: 1_000 })
    const errors = await Promise.all(
      stalling.map((step) => {
        const isRefresh = step === 'connectionInfo' || step === 'certificate'
        return failureOf((isRefresh ? impatient : connector).connect(inCluster(step)))
      }),
    )
    expect(errors.map(({ code }) => code)).toEqual([
      'ALLOYDB_REFRESH_TIMEOUT',
      'ALLOYDB_REFRESH_TIMEOUT',
      'ALLOYDB_TLS_TIMEOUT',
      'ALLOYDB_TLS_TIMEOUT',
      'ALLOYDB_EXCHANGE_TIMEOUT',
    ])
    for (const { summary } of errors) expect(summary).toMatch(/(longer than|timed out after) 1000 ms\.$/)
    expect(errors.every(({ retryable }) => retryable)).toBe(true)
  })

  test('of the token endpoint ends in half of the time of a refresh, and later connects ask anew', async () => {
    const stall = emulator.faults.add({ step: 'token', stall: true, times: 2 }) // for the Admin API, and to log in
    const connector = openConnector({ refreshTimeoutMs: 1_000 })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_CREDENTIALS_UNAVAILABLE')
    expect(error.summary).toBe('No access token could be fetched: none came within 500 ms.')
    expect(error.retryable).toBe(true)
    expect(stall.hits).toBe(2)
    await vi.waitFor(async () => (await connector.connect(instance)).destroy(), { timeout: 5_000 })
  })
})

test('what comes in pieces or late, at every step, is no failure', async () => {
  for (const step of ['token', 'connectionInfo', 'certificate', 'exchange', 'postgres'] as const) {
    emulator.faults.add({ step, chunkBytes: 64, delayMs: 20 })
  }
  emulator.faults.add({ step: 'tcp', delayMs: 20 })
  emulator.faults.add({ step: 'tls', chunkBytes: 1, delayMs: 20 })
  const socket = await openConnector().connect(instance)
  expect(await startUp(socket)).toMatch(/^R/)
})

describe('a fault of PostgreSQL is left to the driver', () => {
  test.each<[string, Fault | Incident, RegExp]>([
    ['an error', { step: 'postgres', fail: { code: '53300', message: 'too many clients' } }, /^E.*C53300/s],
    ['garbage', { step: 'postgres', garbage: 'x' }, /^x$/],
    ['a close', { step: 'postgres', close: 'FIN' }, /^$/],
    ['a reset', { step: 'postgres', close: 'RST' }, /^ECONNRESET$/],
    ['a restart', { incident: 'postgresRestart' }, /^E.*C57P03.*starting up/s],
  ])('%s', async (_, fault, says) => {
    if ('step' in fault) emulator.faults.add(fault)
    else await emulator.faults.begin(fault)
    const socket = await openConnector().connect(instance)
    expect(await startUp(socket)).toMatch(says)
    expect(countRequests()).toMatchObject({ exchange: 1 })
  })
})

describe('an incident', () => {
  test('of maintenance shows as a refused connection, and is over with it', async () => {
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    const maintenance = await emulator.faults.begin({ incident: 'maintenance' })
    const error = await failureOf(connector.connect(instance))
    expect(error).toMatchObject({ code: 'ALLOYDB_TCP_FAILED', retryable: true })
    expect(error.hint).toContain('the instance may be restarting or under maintenance')
    await maintenance.end()
    ;(await connector.connect(instance)).destroy()
  })

  test('that moves the instance is mended by one refresh', async () => {
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    countRequests()
    await emulator.faults.begin({
      incident: 'move',
      addresses: { privateIpAddress: '127.0.0.7', publicIpAddress: null, pscDnsName: null },
    })
    const socket = await connector.connect(instance)
    expect(socket.remoteAddress).toBe('127.0.0.7')
    expect(countRequests()).toMatchObject({ connectionInfo: 1, tcp: 1 })
    socket.destroy()
  })

  test('that deletes the instance says so; when it is made again elsewhere, connects succeed by themselves', async () => {
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    const deletion = await emulator.faults.begin({
      incident: 'deletion',
      addresses: { privateIpAddress: '127.0.0.6', publicIpAddress: null, pscDnsName: null },
    })
    // The certificate is good for an hour, but the dial has failed, and the refresh tells why.
    for (const attempt of [1, 2]) {
      const error = await failureOf(connector.connect(instance))
      expect([attempt, error.code]).toEqual([attempt, 'ALLOYDB_INSTANCE_NOT_FOUND'])
    }
    await deletion.end()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 }) // the limit on refreshes
    const socket = await connector.connect(instance)
    expect(socket.remoteAddress).toBe('127.0.0.6')
    socket.destroy()
    await emulator.setAddresses(instance, { privateIpAddress: '127.0.0.1' })
  })

  test('that deletes the cluster, and makes it again with another CA, is mended by one refresh', async () => {
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    const deletion = await emulator.faults.begin({ incident: 'deletion', cluster: true })
    await deletion.end()
    countRequests()
    ;(await connector.connect(instance)).destroy()
    expect(countRequests()).toMatchObject({ connectionInfo: 1, certificate: 1, tcp: 2, exchange: 1 })
  })

  const minute = 60_000
  test.each<[string, number, ConnectorOptions, AlloyDBErrorCode, string]>([
    ['ahead, with a key', 120 * minute, {}, 'ALLOYDB_CREDENTIALS_REJECTED', 'Invalid JWT'],
    ['behind, with a key', -120 * minute, {}, 'ALLOYDB_CREDENTIALS_REJECTED', 'Invalid JWT'],
    [
      'ahead, on a machine with credentials',
      30 * minute,
      { auth: undefined },
      'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED',
      'is not valid at this time: certificate is not yet valid',
    ],
    [
      'behind, on a machine with credentials',
      -120 * minute,
      { auth: undefined },
      'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED',
      'just fetched',
    ],
  ])('of clocks that differ says which time this machine has: %s', async (_, skewMs, options, code, text) => {
    await emulator.faults.begin({ incident: 'clockSkew', skewMs })
    const error = await failureOf(openConnector(options).connect(instance))
    expect(error.code).toBe(code)
    expect(error.summary).toContain(text)
    expect(error.hint).toMatch(/^Check the clock of this machine: it says \d{4}-\d\d-\d\dT[\d:.]+Z\./)
  })

  test('of a clock that is a little behind is no failure', async () => {
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: -4 * minute })
    ;(await openConnector().connect(instance)).destroy()
  })
})

/** Sends a startup message, and gives what comes back to it: PostgreSQL's first bytes, or the error's code. */
function startUp(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    const settle = (outcome: string): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.once('data', (bytes: Buffer) => settle(bytes.toString('latin1')))
    socket.once('end', () => settle(''))
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? ''))
    socket.write('\0\0\0\x17\0\x03\0\0user\0postgres\0\0', 'latin1')
  })
}
