import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ConnectionInfo } from '../src/connection-info.ts'
import type { DialEvent } from '../src/diagnostics.ts'
import { dial } from '../src/dial.ts'
import { HandshakeLimiter } from '../src/handshake-limiter.ts'
import { parseInstanceUri } from '../src/instance-uri.ts'
import { createTcpConnection } from '../src/open-transport.ts'
import { failureOf, startHarness } from './harness.ts'

const { emulator, openConnector, countRequests } = await startHarness({
  instances: [
    'projects/p/locations/r/clusters/c/instances/i',
    {
      uri: 'projects/p/locations/r/clusters/c/instances/private',
      publicIpAddress: null,
      pscDnsName: null,
    },
    {
      uri: 'projects/p/locations/r/clusters/other/instances/psc',
      privateIpAddress: null,
      publicIpAddress: null,
      pscDnsName: 'localhost.',
    },
  ],
})
const { instance } = emulator
const onlyPrivate = 'projects/p/locations/r/clusters/c/instances/private'
const onlyPsc = 'projects/p/locations/r/clusters/other/instances/psc'

describe('the verification of the server', () => {
  test.each(['wrong-authority', 'wrong-address', 'expired'] as const)(
    'cannot be switched off by NODE_TLS_REJECT_UNAUTHORIZED: %s',
    async (serverCertificate) => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      emulator.faults.add({ step: 'tls', serverCertificate })
      const error = await failureOf(openConnector().connect(instance))
      expect(error.code).toMatch(/^ALLOYDB_SERVER_(CERTIFICATE_UNTRUSTED|ADDRESS_MISMATCH)$/)
    },
  )

  test.each([[''], ['no certificate']])(
    'never falls back to the authorities of the system: caCert %j',
    async (caCert) => {
      emulator.faults.add({ step: 'certificate', replace: { caCert } })
      const error = await failureOf(openConnector().connect(instance))
      expect(error.code).toBe('ALLOYDB_ADMIN_API_INVALID_RESPONSE')
      expect(countRequests().tcp).toBe(0)
    },
  )

  test('leaves a socket that describes the whole chain of the server to who asks', async () => {
    const socket = await openConnector().connect(instance)
    expect(socket.getPeerCertificate(true).issuerCertificate.subject.CN).toBe('root.alloydb')
    expect(socket.getPeerCertificate()).not.toHaveProperty('issuerCertificate')
    socket.destroy()
  })

  test('takes no common name for an address', async () => {
    const createConnection = (_: string, port: number): Socket => connectTcp(port, '127.0.0.1')
    const connected = await openConnector().connect(onlyPrivate)
    const { subject, subjectaltname } = connected.getPeerCertificate()
    connected.destroy()
    expect(subjectaltname).toBe('IP Address:127.0.0.1') // with a DNS name, none would look at the common name
    emulator.faults.add({ step: 'connectionInfo', replace: { pscDnsName: subject.CN } })
    const error = await failureOf(openConnector({ createConnection, ipType: 'PSC' }).connect(onlyPrivate))
    expect(error.code).toBe('ALLOYDB_SERVER_ADDRESS_MISMATCH')
    expect(error.summary).toContain('.server.alloydb:')
  })
})

test('a client certificate that the server turns down by an alert is its own error', async () => {
  const connected = await openConnector().connect(instance)
  const ca = connected.getPeerX509Certificate()?.issuerCertificate?.toString()
  connected.destroy()
  // A connector always presents a certificate. This dial has none, for which the emulator's TLS has an alert.
  const info: ConnectionInfo = {
    instance: parseInstanceUri(instance),
    addresses: { hosts: { PRIVATE: '127.0.0.1' }, port: emulator.instances[0]?.port ?? 0 },
    secureContext: createSecureContext({ ca, minVersion: 'TLSv1.3' }),
    fetchedAt: Date.now(),
    expiresAt: Date.now() + 3_600_000,
  }
  const settings = {
    createConnection: createTcpConnection,
    handshakes: new HandshakeLimiter(1),
    timeoutMs: 5_000,
    deadlineAt: performance.now() + 5_000,
    userAgent: 'test',
  }
  const event: DialEvent = {
    connector: {},
    instance,
    ipType: 'PRIVATE',
    authType: 'PASSWORD',
    phases: {},
    attempts: 1,
  }
  const error = await failureOf(dial(info, 'token', settings, event, new AbortController().signal))
  expect(error.code).toBe('ALLOYDB_CLIENT_CERTIFICATE_REJECTED')
  expect(error.summary).toMatch(/rejected the client certificate: .*certificate required\.$/)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('the metadata exchange', () => {
  test('takes a response that arrives byte by byte', async () => {
    emulator.faults.add({ step: 'exchange', chunkBytes: 1 })
    const socket = await openConnector().connect(instance)
    expect(await ask(socket, sslRequest)).toEqual(Buffer.from('N'))
    socket.destroy()
  })

  test('reads a response of any size, in pieces of any size, with fields that it does not know', async () => {
    const connector = openConnector()
    const field = (tag: number, bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([tag, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes])
    const property = fc.asyncProperty(
      // The message has one space where the server wrote several.
      fc.string({ minLength: 1, maxLength: 4_000 }).map((text) => text.replace(/ +/g, ' ').trim()),
      fc.uint8Array({ maxLength: 4_000 }),
      fc.integer({ min: 1, max: 9_000 }),
      async (text, unknown, chunkBytes) => {
        const message = Buffer.concat([
          Buffer.from([8, 2]),
          field(0x7a, unknown),
          field(0x12, Buffer.from(text)),
        ])
        const respond = Buffer.alloc(4 + message.length)
        respond.writeUInt32BE(message.length)
        message.copy(respond, 4)
        emulator.faults.clear()
        emulator.faults.add({ step: 'exchange', garbage: respond, chunkBytes })
        const error = await failureOf(connector.connect(instance))
        expect(error.code).toBe('ALLOYDB_EXCHANGE_REJECTED')
        expect(error.summary).toContain(/[^.]/.test(text) ? text : 'with no reason given')
      },
    )
    await fc.assert(property, { numRuns: 40 })
  }, 20_000)

  test('leaves the bytes of PostgreSQL that are glued behind the response', async () => {
    emulator.faults.add({ step: 'exchange', glueWithPostgres: true })
    const socket = await openConnector().connect(instance)
    expect(socket.readableFlowing).toBeNull()
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    expect(bytes.subarray(0, 1).toString()).toBe('E')
    expect(bytes.toString()).toContain('sorry, too many clients already')
    await once(socket, 'end')
    socket.destroy()
  })

  test('says what to check where IAM login is refused', async () => {
    emulator.faults.add({ step: 'exchange', fail: { message: 'IAM authentication failed' } })
    const error = await failureOf(openConnector({ authType: 'IAM' }).connect(instance))
    expect(error.code).toBe('ALLOYDB_EXCHANGE_REJECTED')
    for (const thing of [
      'roles/alloydb.databaseUser',
      'alloydb.iam_authentication=on',
      'a database user',
      '`user`',
    ]) {
      expect(error.hint).toContain(thing)
    }
  })
})

describe('IP types', () => {
  test('one that the instance lacks is named, with those that it has', async () => {
    const connector = openConnector()
    const missing = await failureOf(connector.connect(onlyPrivate, { ipType: 'PUBLIC' }))
    expect(missing.code).toBe('ALLOYDB_IP_TYPE_NOT_FOUND')
    expect(missing.message).toBe(
      `Instance "${onlyPrivate}" has no public IP address; it has: PRIVATE.\n` +
        'Set ipType to "PRIVATE", or enable public IP on the instance.',
    )
    const psc = await failureOf(connector.connect(onlyPsc))
    expect(psc.summary).toBe(`Instance "${onlyPsc}" has no private IP address; it has: PSC.`)
  })

  test('an instance without any address says so', async () => {
    emulator.faults.add({
      step: 'connectionInfo',
      replace: { ipAddress: '', publicIpAddress: '', pscDnsName: '' },
    })
    const error = await failureOf(openConnector().connect(instance, { ipType: 'PSC' }))
    expect(error.message).toBe(
      `Instance "${instance}" has no Private Service Connect name; it has: none.\n` +
        'Set ipType to what it has, or enable Private Service Connect on the instance.',
    )
  })

  test('an empty address is a missing one', async () => {
    emulator.faults.add({
      step: 'connectionInfo',
      replace: { publicIpAddress: '', pscDnsName: '', pscAutoDnsName: '' },
    })
    const error = await failureOf(openConnector().connect(instance, { ipType: 'PSC' }))
    expect(error.summary).toContain('has no Private Service Connect name; it has: PRIVATE.')
  })

  test('PSC is dialed, announced and verified by its name, without the dot at its end', async () => {
    const socket = await openConnector().connect(onlyPsc, { ipType: 'PSC' })
    expect(emulator.requests.findLast(({ step }) => step === 'tls')).toMatchObject({
      servername: 'localhost',
    })
    socket.destroy()
  })

  test('PSC falls back to the automatic name', async () => {
    emulator.faults.add({
      step: 'connectionInfo',
      replace: { pscDnsName: undefined, pscAutoDnsName: 'localhost.' },
    })
    const socket = await openConnector().connect(instance, { ipType: 'PSC' })
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })

  test('an IP address is dialed without a server name', async () => {
    const socket = await openConnector().connect(instance)
    expect(emulator.requests.findLast(({ step }) => step === 'tls')?.servername).toBeUndefined()
    socket.destroy()
  })
})

describe('a dial that hangs', () => {
  test('a little in each phase ends where the time for all of them is over', async () => {
    emulator.faults.add({ step: 'tcp', delayMs: 900 })
    emulator.faults.add({ step: 'exchange', delayMs: 900 })
    const error = await failureOf(openConnector({ connectTimeoutMs: 1_500 }).connect(instance))
    expect(error.code).toBe('ALLOYDB_EXCHANGE_TIMEOUT')
    expect(error.summary).toContain('timed out after 1500 ms')
  })

  test('in a second attempt tells of the first, which has had its part of the time', async () => {
    let attempts = 0
    const createConnection = (): Promise<never> => {
      attempts += 1
      return attempts === 1 ? Promise.reject(new Error('the tunnel is down')) : new Promise(() => {})
    }
    const connector = openConnector({ connectTimeoutMs: 500, createConnection })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TCP_TIMEOUT')
    expect(error.summary).toMatch(
      /timed out after 500 ms\. The attempt before, .*: TCP .* failed: the tunnel is down\.$/,
    )
    expect(error.cause).toMatchObject({ code: 'ALLOYDB_TCP_FAILED' })
  })

  test('in TCP ends in its own timeout, which tells of the route', async () => {
    const connector = openConnector({ connectTimeoutMs: 100, createConnection: () => new Promise(() => {}) })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TCP_TIMEOUT')
    expect(error.hint).toContain('ipType PRIVATE needs a route into the VPC')
  })

  test.each([
    ['the token', { step: 'token', stall: true }],
    ['the connection info', { step: 'connectionInfo', stall: true }],
    ['the certificate', { step: 'certificate', stall: true }],
    ['TLS', { step: 'tcp', stall: true }],
    ['exchange', { step: 'exchange', stall: true }],
  ] as const)('in %s ends when the caller aborts, and leaves no socket', async (_, fault) => {
    const handle = emulator.faults.add(fault)
    const abort = new AbortController()
    const connecting = failureOf(openConnector().connect(instance, { signal: abort.signal }))
    await expect.poll(() => handle.hits).toBeGreaterThan(0)
    abort.abort(new Error('too slow'))
    const error = await connecting
    expect(error.code).toBe('ALLOYDB_ABORTED')
    expect(error.cause).toBe(abort.signal.reason)
    await expect.poll(openSockets).toBe(0)
  })

  test('in TCP ends when the caller aborts, and destroys what comes later', async () => {
    const asked = Promise.withResolvers<AbortSignal>()
    const connector = openConnector({
      createConnection: (_host, _port, signal) => {
        asked.resolve(signal)
        return new Promise(() => {})
      },
    })
    const abort = new AbortController()
    const connecting = failureOf(connector.connect(instance, { signal: abort.signal }))
    const signal = await asked.promise
    abort.abort()
    expect((await connecting).code).toBe('ALLOYDB_ABORTED')
    expect(signal.aborted).toBe(true)
  })

  test('while it waits for its turn ends with its own time, and lets others have theirs', async () => {
    const stall = emulator.faults.add({ step: 'tcp', stall: true, times: 1 })
    const connector = openConnector({ maxConcurrentHandshakes: 1, connectTimeoutMs: 1_000 })
    const errors = [failureOf(connector.connect(instance)), failureOf(connector.connect(instance))]
    for (const error of await Promise.all(errors)) expect(error.code).toBe('ALLOYDB_TLS_TIMEOUT')
    expect(stall.hits).toBe(1)
    ;(await connector.connect(instance)).destroy()
  })

  test('does not wait for the handshakes of another instance', async () => {
    emulator.faults.add({ step: 'tls', stall: true, instance })
    const connector = openConnector({ maxConcurrentHandshakes: 1, ipType: 'PSC' })
    const abort = new AbortController()
    const hanging = failureOf(connector.connect(instance, { signal: abort.signal, ipType: 'PRIVATE' }))
    await expect.poll(() => emulator.requests.at(-1)?.step).toBe('tls')
    ;(await connector.connect(onlyPsc)).destroy()
    abort.abort()
    expect((await hanging).code).toBe('ALLOYDB_ABORTED')
  })

  test('does not begin when the signal is aborted already', async () => {
    const error = await failureOf(openConnector().connect(instance, { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ALLOYDB_ABORTED')
    expect(countRequests()).toMatchObject({ connectionInfo: 0, tcp: 0 })
  })
})

test.runIf(process.platform === 'linux')('TCP is kept alive, after 30 seconds without a byte', async () => {
  const socket = await openConnector().connect(instance)
  // The kernel's own view: the timer of this connection, "02" for keep-alive, and the time until it runs.
  const port = (socket.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const line = readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .find((row) => row.includes(`0100007F:${port} 0100007F:`))
  const [timer = '', hex = ''] = line?.trim().split(/\s+/)[5]?.split(':') ?? []
  expect(timer).toBe('02')
  const seconds = Number.parseInt(hex, 16) / 100
  expect(seconds).toBeGreaterThan(25)
  expect(seconds).toBeLessThanOrEqual(31)
  socket.destroy()
})

describe('createConnection', () => {
  test('opens the connection in place of TCP, through any Duplex', async () => {
    const asked: unknown[] = []
    const connector = openConnector({
      createConnection: (host, port, signal) => {
        asked.push([host, port, signal instanceof AbortSignal])
        const tcp = connectTcp(port, host).on('error', () => {})
        return Duplex.from({ readable: tcp, writable: tcp })
      },
    })
    const socket = await connector.connect(instance)
    expect(asked).toEqual([['127.0.0.1', expect.any(Number), true]])
    expect(await ask(socket, sslRequest)).toEqual(Buffer.from('N'))
    socket.on('error', () => {}) // such a Duplex reports its own end as an error
    socket.destroy()
  })

  test('may give a socket that is still connecting', async () => {
    const connector = openConnector({ createConnection: (host, port) => connectTcp(port, host) })
    ;(await connector.connect(instance)).destroy()
    await emulator.stopInstance(instance)
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TCP_FAILED')
    expect(error.summary).toContain('ECONNREFUSED')
    await emulator.startInstance(instance)
  })

  test('that closes before its turn fails at once', async () => {
    const connector = openConnector({
      createConnection: async (host, port) => {
        const tcp = connectTcp(port, host).on('error', () => {})
        await once(tcp, 'connect')
        tcp.destroy()
        await once(tcp, 'close')
        return tcp
      },
    })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TLS_FAILED')
    expect(error.summary).toContain('the connection was closed before the TLS handshake')
  })

  test('that gives no stream is told', async () => {
    const connector = openConnector({ createConnection: (() => undefined) as never })
    expect((await failureOf(connector.connect(instance))).summary).toContain(
      'createConnection gave no stream',
    )
  })

  test('that fails is the cause of the error', async () => {
    const failure = new Error('no tunnel')
    const connector = openConnector({ createConnection: () => Promise.reject(failure) })
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TCP_FAILED')
    expect(error.cause).toBe(failure)
  })

  test('that fails with anything at all is told, with the address of a version 6 in brackets', async () => {
    emulator.faults.add({ step: 'connectionInfo', replace: { ipAddress: '2001:db8::1' } })
    // oxlint-disable-next-line prefer-promise-reject-errors -- users do
    const connector = openConnector({ createConnection: () => Promise.reject('no tunnel') })
    const error = await failureOf(connector.connect(instance))
    expect(error.summary).toMatch(/^TCP to \[2001:db8::1\]:\d+ of instance ".*" failed: no tunnel\.$/)
  })

  test('that comes too late has its connection destroyed', async () => {
    const opened = Promise.withResolvers<Duplex>()
    const connector = openConnector({ connectTimeoutMs: 50, createConnection: () => opened.promise })
    expect((await failureOf(connector.connect(instance))).code).toBe('ALLOYDB_TCP_TIMEOUT')
    const late = new Duplex({ read() {} })
    opened.resolve(late)
    await once(late, 'close')
    expect(late.destroyed).toBe(true)
  })
})

describe('recovery', () => {
  test('a server that is gone is an error that names the address; one that is back is reached', async () => {
    const connector = openConnector()
    await emulator.stopInstance(instance)
    const error = await failureOf(connector.connect(instance))
    expect(error.code).toBe('ALLOYDB_TCP_FAILED')
    expect(error.summary).toMatch(/^TCP to 127\.0\.0\.1:\d+ of instance ".*" failed: connect ECONNREFUSED/)
    expect(error.retryable).toBe(true)
    await emulator.startInstance(instance)
    const socket = await connector.connect(instance)
    socket.destroy()
  })

  test('a name with several addresses, none of which answers, says so of each', async () => {
    await emulator.stopInstance(onlyPsc)
    const error = await failureOf(openConnector().connect(onlyPsc, { ipType: 'PSC' }))
    expect(error.summary).toMatch(/ failed: connect ECONNREFUSED /)
    await emulator.startInstance(onlyPsc)
  })

  test.each([
    ['a certificate of another CA', { step: 'tls', serverCertificate: 'wrong-authority', times: 1 }],
    ['a close in the exchange', { step: 'exchange', close: 'FIN', times: 1 }],
    ['a rejected client certificate', { step: 'certificate', untrusted: true, times: 1 }],
  ] as const)('%s is tried once more, with new connection info', async (_, fault) => {
    emulator.faults.add(fault)
    const socket = await openConnector().connect(instance)
    expect(countRequests()).toMatchObject({ connectionInfo: 2, certificate: 2, tcp: 2 })
    socket.destroy()
  })

  test('what the server said in the exchange is final', async () => {
    emulator.faults.add({ step: 'exchange', fail: { message: 'no' } })
    await failureOf(openConnector().connect(instance))
    expect(countRequests()).toMatchObject({ tcp: 1 })
  })

  test('a server that stays gone does not use up the Admin API: refreshes are limited', async () => {
    const connector = openConnector()
    await emulator.stopInstance(instance)
    for (let dials = 0; dials < 5; dials += 1) await failureOf(connector.connect(instance))
    expect(countRequests()).toMatchObject({ connectionInfo: 2, certificate: 2 })
    await emulator.startInstance(instance)
  })
})

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Sends bytes and waits for the first that come back. */
async function ask(socket: Duplex, bytes: Buffer): Promise<Buffer> {
  const answer = once(socket, 'data') as Promise<[Buffer]>
  socket.write(bytes)
  return (await answer)[0]
}

/** How many sockets of the process are connected to the server-side proxies. */
function openSockets(): number {
  const ports = new Set(emulator.instances.map(({ port }) => port))
  const handles = (process as unknown as { _getActiveHandles(): Socket[] })._getActiveHandles()
  return handles.filter((handle) => ports.has(handle.remotePort ?? 0) && !handle.destroyed).length
}
