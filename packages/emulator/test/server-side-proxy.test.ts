import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import * as tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, certificate, CLOUD_PLATFORM, exchangeRequest, LOGIN, OK, read, secure } from './dial.ts'

const OTHER = 'projects/p/locations/r/clusters/other/instances/i'
const postgres = inject('postgres')
let emulator: Emulator

beforeAll(async () => {
  emulator = await startEmulator({
    postgres,
    instances: [
      {
        uri: 'projects/p/locations/r/clusters/c/instances/i',
        publicIpAddress: '127.0.0.2',
        pscAutoDnsName: 'auto.test.',
      },
      OTHER,
    ],
  })
})
afterAll(() => emulator.stop())

describe('certificates', () => {
  test('form a chain: leaf, client.alloydb, root', async () => {
    const { pemCertificateChain, caCert } = await certificate(emulator)
    const [leaf, intermediate, root] = pemCertificateChain.map((pem) => new X509Certificate(pem))
    expect(root!.raw).toEqual(new X509Certificate(caCert).raw)
    expect(root!.verify(root!.publicKey)).toBe(true)
    expect(intermediate!.subject).toBe('CN=client.alloydb')
    expect(intermediate!.checkIssued(root!) && intermediate!.verify(root!.publicKey)).toBe(true)
    expect(leaf!.checkIssued(intermediate!) && leaf!.verify(intermediate!.publicKey)).toBe(true)
    expect([leaf!.ca, intermediate!.ca, root!.ca]).toEqual([false, true, true])
    expect(Date.parse(leaf!.validFrom)).toBeLessThan(Date.now() - 86_000_000)
  })

  test("the server's is for its addresses alone, and names the instance", async () => {
    const socket = await secure(emulator)
    const server = socket.getPeerX509Certificate()!
    socket.destroy()
    expect(server.subject).toBe(`CN=${emulator.instances[0]!.uid}.server.alloydb`)
    expect(server.subjectAltName!.split(', ').toSorted()).toEqual([
      'DNS:auto.test',
      'DNS:localhost',
      'IP Address:127.0.0.1',
      'IP Address:127.0.0.2',
    ])
    expect(server.verify(new X509Certificate((await certificate(emulator)).caCert).publicKey)).toBe(true)
  })
})

describe('the TLS handshake', () => {
  test.each([{ host: '127.0.0.1' }, { host: '127.0.0.2' }, { host: '127.0.0.1', servername: 'localhost' }])(
    'succeeds at %j, in TLS 1.3',
    async (options) => {
      const socket = await secure(emulator, options)
      expect(socket.authorized).toBe(true)
      expect(socket.getProtocol()).toBe('TLSv1.3')
      socket.write(exchangeRequest(await accessToken(emulator.auth, LOGIN)))
      expect(await read(socket, 6)).toEqual(OK)
      socket.destroy()
      expect(emulator.requests.findLast(({ step }) => step === 'tls')).toMatchObject({
        outcome: 'served',
        servername: options.servername,
      })
    },
  )

  test('is a whole one each time: no session is resumed, without a certificate', async () => {
    const first = await secure(emulator)
    let session: Buffer | undefined = first.getSession()
    first.on('session', (ticket: Buffer) => (session = ticket))
    first.write(exchangeRequest(await accessToken(emulator.auth, LOGIN)))
    await read(first, 6) // a ticket would have come before this
    first.destroy()
    const second = await secure(emulator, { session })
    expect(second.isSessionReused()).toBe(false)
    second.destroy()
  })

  test('fails in TLS 1.2', async () => {
    await expect(secure(emulator, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /alert|version/i,
    )
  })

  test.each<[string, () => Promise<tls.ConnectionOptions>]>([
    ['no client certificate', async () => ({ key: undefined, cert: undefined })],
    [
      "another cluster's client certificate",
      async () => ({ cert: (await certificate(emulator, OTHER)).pemCertificateChain.join('') }),
    ],
  ])('with %s succeeds for the client, who is then cut off', async (_case, options) => {
    const request = exchangeRequest(await accessToken(emulator.auth, LOGIN))
    const socket = await secure(emulator, await options())
    const ended = once(socket, 'close').catch((error: unknown) => error)
    socket.on('error', () => {})
    socket.write(request)
    expect(await read(socket).catch(() => Buffer.alloc(0))).toHaveLength(0)
    await ended
    await expect.poll(() => emulator.requests.findLast(({ step }) => step === 'tls')?.outcome).toBe('refused')
  })
})

describe('the metadata exchange', () => {
  const answerTo = async (request: Buffer, bytes?: number): Promise<Buffer> => {
    const socket = await secure(emulator)
    socket.write(request)
    const answer = await read(socket, bytes)
    socket.destroy()
    return answer
  }
  const text = (answer: Buffer): string => {
    expect(answer.readUInt32BE(0)).toBe(answer.length - 4)
    expect([...answer.subarray(4, 7)]).toEqual([8, 2, 0x12])
    const long = answer[7]! > 127 ? 1 : 0
    return answer.toString('utf8', 8 + long)
  }

  test('answers OK in six bytes', async () => {
    const token = await accessToken(emulator.auth, LOGIN)
    expect(await answerTo(exchangeRequest(token, 'AUTO_IAM', 'my-agent/1.0'), 6)).toEqual(OK)
    expect(emulator.requests.findLast(({ step }) => step === 'exchange')).toMatchObject({
      outcome: 'served',
      userAgent: 'my-agent/1.0',
      authType: 'AUTO_IAM',
      scopes: [LOGIN],
    })
  })

  test('takes a request byte by byte', async () => {
    const socket = await secure(emulator)
    for (const byte of exchangeRequest(await accessToken(emulator.auth, CLOUD_PLATFORM))) {
      await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve))
    }
    expect(await read(socket, 6)).toEqual(OK)
    socket.destroy()
  })

  test('skips fields that it does not know', async () => {
    const known = exchangeRequest(await accessToken(emulator.auth, LOGIN)).subarray(4)
    const unknown = Buffer.from([
      0x78, 0x96, 0x01, 0x7a, 2, 1, 2, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4,
    ])
    const message = Buffer.concat([unknown, known])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(message.length)
    expect(await answerTo(Buffer.concat([length, message]), 6)).toEqual(OK)
  })

  test('answers ERROR to a request over 16 KiB', async () => {
    expect(text(await answerTo(Buffer.from([0, 0, 0x40, 1])))).toMatch(
      /16385 bytes, where 16384 are the most/,
    )
  })

  test('answers ERROR to what is not protobuf', async () => {
    expect(text(await answerTo(Buffer.from([0, 0, 0, 2, 0x0a, 0x7f])))).toMatch(/truncated/)
  })

  test.each<[string, () => Promise<string> | string, RegExp]>([
    ['no token', () => '', /has no OAuth 2.0 token/],
    ['an unknown token', () => 'ya29.other', /is invalid/],
    ['a token of another scope', () => accessToken(emulator.auth, 'openid'), /neither the scope/],
    [
      'a token without permission',
      async () => {
        emulator.iam.grant('idle@p.iam.gserviceaccount.com', 'roles/alloydb.databaseUser')
        return accessToken(await emulator.authFor('idle@p.iam.gserviceaccount.com'))
      },
      /does not have the permission alloydb\.instances\.connect/,
    ],
    [
      'an expired token',
      async () => {
        emulator.tokens.lifetimeMs = 0
        const token = await accessToken(emulator.auth, LOGIN)
        emulator.tokens.lifetimeMs = 3_599_000
        return token
      },
      /has expired/,
    ],
  ])('answers ERROR to %s', async (_case, token, message) => {
    expect(text(await answerTo(exchangeRequest(await token())))).toMatch(message)
    expect(emulator.requests.findLast(({ step }) => step === 'exchange')?.outcome).toBe('refused')
  })
})
