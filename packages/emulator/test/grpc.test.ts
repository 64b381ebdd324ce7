import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { createConnection } from 'node:net'
import * as tls from 'node:tls'
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, clusterOf, publicKeySpki } from './dial.ts'

const postgres = inject('postgres')
let emulator: Emulator
let client: grpc.Client
let token: string

beforeAll(async () => {
  emulator = await startEmulator({ postgres })
  const authority = Buffer.from(await emulator.caCertificate())
  client = new grpc.Client(
    emulator.host.replace('127.0.0.1', 'localhost'),
    grpc.credentials.createSsl(authority),
  )
  token = await accessToken(emulator.auth)
})
afterAll(async () => {
  client.close()
  await emulator.stop()
})

/** Fields by their numbers, each a text, a number or a message. */
type Fields = Record<number, string | number | BinaryWriter>

function message(fields: Fields): BinaryWriter {
  const writer = new BinaryWriter()
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === 'string') writer.uint32((Number(field) << 3) | 2).string(value)
    else if (typeof value === 'number') writer.uint32(Number(field) << 3).int64(value)
    else writer.uint32((Number(field) << 3) | 2).bytes(value.finish())
  }
  return writer
}

/** Every field, each a list of numbers and texts. */
function parse(bytes: Uint8Array): Record<number, (number | Buffer)[]> {
  const reader = new BinaryReader(bytes)
  const fields: Record<number, (number | Buffer)[]> = {}
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    const value = wireType === 0 ? Number(reader.int64()) : Buffer.from(reader.bytes())
    ;(fields[field] ??= []).push(value)
  }
  return fields
}
const texts = (values: (number | Buffer)[] = []): string[] => values.map(String)

interface Call {
  version?: string
  bearer?: string
}

function call(
  method: string,
  request: Fields,
  { version = 'v1beta', bearer = token }: Call = {},
): Promise<ReturnType<typeof parse>> {
  const metadata = new grpc.Metadata()
  if (bearer) metadata.set('authorization', `Bearer ${bearer}`)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      `/google.cloud.alloydb.${version}.AlloyDBAdmin/${method}`,
      (fields: Fields) => Buffer.from(message(fields).finish()),
      parse,
      request,
      metadata,
      { deadline: Date.now() + 4000 },
      (error, response) => (error ? reject(error) : resolve(response!)),
    )
  })
}

const failureOf = (promise: Promise<unknown>): Promise<grpc.ServiceError> =>
  promise.then(
    () => expect.unreachable(),
    (error: grpc.ServiceError) => error,
  )

describe('a call', () => {
  test.each(['v1', 'v1beta', 'v1alpha'])('GetConnectionInfo answers in %s', async (version) => {
    const info = await call('GetConnectionInfo', { 1: emulator.instance }, { version })
    expect(texts(info[1])).toEqual([`${emulator.instance}/connectionInfo`])
    expect(texts(info[2])).toEqual(['127.0.0.1'])
    expect(texts(info[4])).toEqual([emulator.instances[0]!.uid])
    expect(texts(info[6])).toEqual(version === 'v1' ? [] : ['localhost'])
  })

  test('GenerateClientCertificate certifies a key for the asked duration', async () => {
    const { 2: chain, 3: root } = await call('GenerateClientCertificate', {
      1: clusterOf(emulator.instance),
      4: message({ 1: 7200 }),
      5: publicKeySpki,
      6: 1,
    })
    const [leaf, intermediate] = texts(chain).map((pem) => new X509Certificate(pem))
    expect(texts(chain)[2]).toBe(texts(root)[0])
    expect(leaf!.publicKey.export({ type: 'spki', format: 'pem' })).toBe(publicKeySpki)
    expect(leaf!.checkIssued(intermediate!)).toBe(true)
    expect(Math.abs(Date.parse(leaf!.validTo) - Date.now() - 7_200_000)).toBeLessThan(10_000)
    expect(emulator.requests.at(-1)).toMatchObject({
      step: 'certificate',
      outcome: 'served',
      certDuration: '7200s',
      useMetadataExchange: true,
    })
  })
})

test('GetInstance, ListInstances, GetCluster and ListClusters answer', async () => {
  const instance = await call('GetInstance', { 1: emulator.instance })
  expect(texts(instance[1])).toEqual([emulator.instance])
  expect([instance[8], instance[9]]).toEqual([[1], [1]])
  expect(texts(parse(instance[13]![0] as Buffer)[1])).toEqual(['alloydb.iam_authentication'])
  expect(texts(parse(instance[28]![0] as Buffer)[7])).toEqual(['localhost'])
  const [createTime] = parse(instance[4]![0] as Buffer)[1]!
  expect(Math.abs(Number(createTime) - Date.now() / 1000)).toBeLessThan(60)
  const all = await call('ListInstances', { 1: 'projects/emulator/locations/-/clusters/-' })
  expect(all[1]!.map((bytes) => texts(parse(bytes as Buffer)[1])[0])).toEqual([emulator.instance])
  const cluster = clusterOf(emulator.instance)
  expect(texts((await call('GetCluster', { 1: cluster }))[1])).toEqual([cluster])
  const clusters = await call('ListClusters', { 1: 'projects/emulator/locations/local' })
  expect(clusters[1]!.map((bytes) => texts(parse(bytes as Buffer)[1])[0])).toEqual([cluster])
})

describe('an error', () => {
  test('has its code, and says by an ErrorInfo what is wrong', async () => {
    const error = await failureOf(call('GetConnectionInfo', { 1: emulator.instance }, { bearer: '' }))
    expect(error).toMatchObject({
      code: grpc.status.UNAUTHENTICATED,
      details: expect.stringContaining('missing'),
    })
    const [bytes] = error.metadata.get('grpc-status-details-bin')
    const status = parse(bytes as Buffer)
    expect(status[1]).toEqual([grpc.status.UNAUTHENTICATED])
    expect(texts(status[2])).toEqual([error.details])
    const any = parse(status[3]![0] as Buffer)
    expect(texts(any[1])).toEqual(['type.googleapis.com/google.rpc.ErrorInfo'])
    const info = parse(any[2]![0] as Buffer)
    expect(texts(info[1])).toEqual(['CREDENTIALS_MISSING'])
    expect(texts(info[2])).toEqual(['googleapis.com'])
    const entry = parse(info[3]![0] as Buffer)
    expect([...texts(entry[1]), ...texts(entry[2])]).toEqual(['service', 'alloydb.googleapis.com'])
  })

  test.each<[string, string, Fields, grpc.status]>([
    [
      'an instance that is not there',
      'GetConnectionInfo',
      { 1: 'projects/p/locations/r/clusters/c/instances/x' },
      5,
    ],
    ['a name that is none', 'GetConnectionInfo', { 1: 'x' }, 5],
    ['a key that is none', 'GenerateClientCertificate', { 1: '<cluster>', 5: 'key' }, 3],
    [
      'a duration that is too short',
      'GenerateClientCertificate',
      { 1: '<cluster>', 5: 'x', 4: message({ 1: 9 }) },
      3,
    ],
    ['a method that is not there', 'DeleteCluster', { 1: '<cluster>' }, 12],
  ])('answers %s', async (_case, method, request, code) => {
    const fields = request[1] === '<cluster>' ? { ...request, 1: clusterOf(emulator.instance) } : request
    expect((await failureOf(call(method, fields))).code).toBe(code)
  })

  test('of a fault reaches gRPC, too', async () => {
    emulator.faults.add({
      step: 'connectionInfo',
      times: 1,
      fail: { status: 503, message: 'Down – for “now”.', retryAfterSeconds: 7 },
    })
    const error = await failureOf(call('GetConnectionInfo', { 1: emulator.instance }))
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE, details: 'Down – for “now”.' })
    expect(error.metadata.get('retry-after')).toEqual(['7'])
    const [bytes] = error.metadata.get('grpc-status-details-bin')
    const any = parse(parse(bytes as Buffer)[3]![0] as Buffer)
    expect(texts(any[1])).toEqual(['type.googleapis.com/google.rpc.RetryInfo'])
    // A Duration of seven seconds.
    const delay = parse(any[2]![0] as Buffer)[1]![0]
    expect(parse(delay as Buffer)[1]).toEqual([7])
  })

  test.each(['FIN', 'RST'] as const)('a connection that is cut by %s is UNAVAILABLE', async (close) => {
    emulator.faults.add({ step: 'connectionInfo', times: 1, close })
    const error = await failureOf(call('GetConnectionInfo', { 1: emulator.instance }))
    expect(error.code).toBe(grpc.status.UNAVAILABLE)
    await call('GetConnectionInfo', { 1: emulator.instance })
  })

  test('garbage is no answer', async () => {
    emulator.faults.add({ step: 'connectionInfo', times: 1, garbage: true })
    await failureOf(call('GetConnectionInfo', { 1: emulator.instance }))
  })
})

test('an answer in pieces is whole', async () => {
  emulator.faults.add({ step: 'connectionInfo', times: 1, chunkBytes: 1 })
  expect(texts((await call('GetConnectionInfo', { 1: emulator.instance }))[2])).toEqual(['127.0.0.1'])
})

test('the port serves JSON by HTTP/2, with TLS and without, and by HTTPS', async () => {
  const authority = await emulator.caCertificate()
  for (const origin of [`http://${emulator.host}`, `https://${emulator.host}`]) {
    const session = connect(origin, { ca: authority })
    const stream = session.request({
      ':path': `/v1beta/${emulator.instance}/connectionInfo`,
      authorization: `Bearer ${token}`,
    })
    stream.setEncoding('utf8')
    let text = ''
    for await (const chunk of stream) text += chunk
    expect(JSON.parse(text)).toMatchObject({ ipAddress: '127.0.0.1' })
    session.close()
  }
})

test.each(['localhost', 'alloydb.googleapis.com', 'emulator.compose.test', undefined])(
  'presents a certificate for the name %s',
  async (servername) => {
    const [host, port] = emulator.host.split(':')
    const ca = await emulator.caCertificate()
    const socket = tls.connect({ host, port: Number(port), ca, ...(servername && { servername }) })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    socket.destroy()
  },
)

test('stop() ends every connection, whatever it speaks', async () => {
  const own = await startEmulator({ postgres })
  const authority = await own.caCertificate()
  const sessions = [
    connect(`http://${own.host}`),
    connect(`https://${own.host.replace('127.0.0.1', 'localhost')}`, { ca: authority }),
  ]
  await Promise.all(sessions.map((session) => once(session, 'remoteSettings')))
  const silent = createConnection(Number(own.host.split(':')[1]), '127.0.0.1')
  await once(silent, 'connect')
  const closed = [...sessions, silent].map((each) =>
    once(
      each.on('error', () => {}),
      'close',
    ),
  )
  await own.stop()
  await Promise.all(closed)
})

test('a frame that is not whole, compressed, or no protobuf is an error', async () => {
  const session = connect(`http://${emulator.host}`)
  for (const body of [[], [0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 9, 1], [0, 0, 0, 0, 1, 0xff]]) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/google.cloud.alloydb.v1beta.AlloyDBAdmin/GetConnectionInfo',
      'content-type': 'application/grpc',
    })
    const status = new Promise((resolve) =>
      stream.once('response', (headers) => resolve(headers['grpc-status'])),
    )
    stream.end(Buffer.from(body))
    stream.resume()
    expect(await status).toBe(String(grpc.status.INTERNAL))
  }
  session.close()
})
