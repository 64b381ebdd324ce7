import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import * as tls from 'node:tls'
import { JWT, UserRefreshClient } from 'google-auth-library'
import pg from 'pg'
import type { Emulator, EmulatorAuth } from '../src/index.ts'
import type {} from '../../../tooling/testing/shared-postgres.ts'

// A client of the emulator's, written from the protocol and not from @alloydb/core, so that each checks the other.

export const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'
export const LOGIN = 'https://www.googleapis.com/auth/alloydb.login'
export const OK = Buffer.from([0, 0, 0, 2, 8, 1])

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
export const publicKeySpki = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string
export const publicKeyPkcs1 = keys.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string

export type AuthType = 'DB_NATIVE' | 'AUTO_IAM'

/** Gets a token as google-auth-library does, by the client that its `GoogleAuth` would make. */
export async function accessToken(
  { credentials, clientOptions }: EmulatorAuth,
  ...scopes: string[]
): Promise<string> {
  if (credentials.type === 'external_account') throw new Error('not for a workload from elsewhere')
  const client =
    credentials.type === 'service_account'
      ? new JWT({
          ...clientOptions,
          email: credentials.client_email,
          key: credentials.private_key,
          scopes: scopes.length > 0 ? scopes : [CLOUD_PLATFORM],
        })
      : new UserRefreshClient({
          ...clientOptions,
          clientId: credentials.client_id,
          clientSecret: credentials.client_secret,
          refreshToken: credentials.refresh_token,
        })
  const { token } = await client.getAccessToken()
  if (!token) throw new Error('no token')
  return token
}

/** Calls the Admin API as the emulator's own principal, unless `token` says otherwise; `null` sends none. */
export async function api(
  emulator: Emulator,
  method: 'GET' | 'POST',
  path: string,
  { token, body, headers }: { token?: string | null; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; body: any }> {
  const bearer = token === undefined ? await accessToken(emulator.auth) : token
  const response = await fetch(`http://${emulator.host}/${path}`, {
    method,
    headers: { ...headers, ...(bearer !== null && { authorization: `Bearer ${bearer}` }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: JSON.parse(text) }
}

export interface ClientCertificate {
  pemCertificateChain: string[]
  caCert: string
}

export const clusterOf = (instance: string): string => instance.replace(/\/instances\/.*/, '')

export async function certificate(
  emulator: Emulator,
  instance = emulator.instance,
  useMetadataExchange = true,
): Promise<ClientCertificate> {
  const { status, body } = await api(
    emulator,
    'POST',
    `v1beta/${clusterOf(instance)}:generateClientCertificate`,
    {
      body: { publicKey: publicKeyPkcs1, certDuration: '3600s', useMetadataExchange },
    },
  )
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as ClientCertificate
}

/** A client certificate, as options of TLS. */
export async function clientCertificate(
  emulator: Emulator,
  instance?: string,
): Promise<tls.SecureContextOptions> {
  const issued = await certificate(emulator, instance)
  return { key, cert: issued.pemCertificateChain.join(''), ca: issued.caCert }
}

/** Dials the server-side proxy and completes the TLS handshake, with the exchange still to come. */
export async function secure(
  emulator: Emulator,
  options: tls.ConnectionOptions & { issued?: ClientCertificate; instance?: string } = {},
): Promise<tls.TLSSocket> {
  const instance = emulator.instances.find(({ uri }) => uri === (options.instance ?? emulator.instance))!
  const issued = options.issued ?? (await certificate(emulator, instance.uri))
  const socket = tls.connect({
    host: '127.0.0.1',
    port: instance.port,
    key,
    cert: issued.pemCertificateChain.join(''),
    ca: issued.caCert,
    minVersion: 'TLSv1.3',
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

/** Waits until a connection is over, however it ends. */
export function closeOf(socket: tls.TLSSocket): Promise<unknown> {
  socket.on('error', () => {}).resume()
  return new Promise((resolve) => socket.once('close', resolve))
}

export function exchangeRequest(token: string, authType: AuthType = 'DB_NATIVE', userAgent = 'test'): Buffer {
  const field = (tag: number, text: string): Buffer => {
    const bytes = Buffer.from(text)
    const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
    return Buffer.concat([Buffer.from([tag, ...length]), bytes])
  }
  const message = Buffer.concat([
    field(0x0a, userAgent),
    Buffer.from([0x10, authType === 'AUTO_IAM' ? 2 : 1]),
    field(0x1a, token),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}

/** Reads until the other side ends, or until so many bytes are there. */
export function read(socket: tls.TLSSocket, bytes = Infinity): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let all = Buffer.alloc(0)
    const done = (): void => {
      socket.off('data', onData).off('end', done).off('error', reject).off('close', done)
      socket.pause()
      resolve(all)
    }
    const onData = (chunk: Buffer): void => {
      all = Buffer.concat([all, chunk])
      if (all.length >= bytes) done()
    }
    socket.on('data', onData).on('end', done).on('error', reject).on('close', done).resume()
  })
}

export interface ConnectOptions {
  authType?: AuthType
  token?: string
  instance?: string
  /** `false`: asks for a certificate that wants no exchange, and makes none. */
  exchange?: boolean
}

/** Dials, and completes the exchange: what follows is PostgreSQL's. */
export async function connect(emulator: Emulator, options: ConnectOptions = {}): Promise<tls.TLSSocket> {
  const { authType = 'DB_NATIVE', instance = emulator.instance, exchange = true } = options
  if (!exchange) return secure(emulator, { instance, issued: await certificate(emulator, instance, false) })
  const token = options.token ?? (await accessToken(emulator.auth, LOGIN))
  const socket = await secure(emulator, { instance })
  socket.write(exchangeRequest(token, authType))
  const answer = await read(socket, OK.length)
  if (!answer.equals(OK)) {
    socket.destroy()
    throw new Error(`exchange failed: ${answer.subarray(8).toString()}`)
  }
  return socket
}

/** A node-postgres client that is connected by way of {@link connect}. */
export async function login(
  emulator: Emulator,
  { user = 'postgres', password, database = 'postgres', ...options }: ConnectOptions & pg.ClientConfig = {},
): Promise<pg.Client> {
  const socket = await connect(emulator, options)
  const client = new pg.Client({
    ...options,
    user,
    database,
    ...(password !== undefined && { password }),
    ssl: false,
    // The stream is connected already, which is all that `connect` would do.
    stream: () =>
      Object.assign(socket, { connect: () => process.nextTick(() => socket.resume().emit('connect')) }),
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** The e-mail address of the emulator's principal, as a database user. */
export const iamUser = (emulator: Emulator): string =>
  emulator.serviceAccount.client_email.replace('.gserviceaccount.com', '')
