import { X509Certificate } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { startEmulator, type Emulator, type Incident } from '../src/index.ts'
import {
  accessToken,
  api,
  certificate,
  closeOf,
  clusterOf,
  connect,
  login,
  publicKeySpki,
  secure,
} from './dial.ts'

const postgres = inject('postgres')
const instance = 'projects/p/locations/r/clusters/c/instances/primary'
const sibling = 'projects/p/locations/r/clusters/c/instances/sibling'
const hour = 3_600_000
let emulator: Emulator

beforeAll(async () => {
  emulator = await startEmulator({ postgres, instances: [instance, sibling] })
})
afterEach(() => emulator.faults.reset())
afterAll(() => emulator.stop())

const passwordLogin = (options: { instance?: string } = {}): Promise<pg.Client> =>
  login(emulator, { password: 'postgres', ...options })
const addressOf = async (): Promise<{ status: number; body: any }> =>
  api(emulator, 'GET', `v1beta/${instance}/connectionInfo`)
const ended = (client: pg.Client): Promise<unknown> => new Promise((resolve) => client.once('end', resolve))

/** Begins a query, and tells once it runs how it will fail on a session that is ended; `other` is another session. */
async function beginQuery(client: pg.Client, other: pg.Client): Promise<{ failing: Promise<unknown> }> {
  const failing = client.query('select pg_sleep(60)').then(
    () => 'it was done',
    (error: unknown) => error,
  )
  const { processID } = client as pg.Client & { processID: number }
  const activity = `select state, query from pg_stat_activity where pid = ${processID}`
  await expect
    .poll(async () => (await other.query(activity)).rows)
    .toEqual([{ state: 'active', query: 'select pg_sleep(60)' }])
  return { failing }
}

describe('maintenance', () => {
  test.each(['FIN', 'RST'] as const)(
    'cuts all connections by %s, and refuses new ones until it is over',
    async (close) => {
      const client = await passwordLogin()
      const gone = ended(client)
      const maintenance = await emulator.faults.begin({ incident: 'maintenance', close })
      await gone
      await expect(passwordLogin()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      expect((await addressOf()).status).toBe(200)
      await (await passwordLogin({ instance: sibling })).end()
      await maintenance.end()
      await (await passwordLogin()).end()
    },
  )

  test('is over by itself after its time', async () => {
    const maintenance = await emulator.faults.begin({ incident: 'maintenance', forMs: 50 })
    expect(maintenance.active).toBe(true)
    await maintenance.ended
    expect(maintenance.active).toBe(false)
    await (await passwordLogin()).end()
  })

  test('is over at the end of its scope', async () => {
    {
      await using _ = await emulator.faults.begin({ incident: 'maintenance' })
      await expect(passwordLogin()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    }
    await (await passwordLogin()).end()
  })

  test('does not wait for a client that reads nothing', async () => {
    const socket = connectTcp(emulator.instances[0]!.port, '127.0.0.1').on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    await emulator.faults.begin({ incident: 'maintenance' })
    socket.destroy()
  })
})

describe('a restart of PostgreSQL', () => {
  test('ends the sessions of the instance alone, and lets no new ones in until it is over', async () => {
    const [client, other] = await Promise.all([passwordLogin(), passwordLogin({ instance: sibling })])
    const { failing } = await beginQuery(client, other)
    const restart = await emulator.faults.begin({ incident: 'postgresRestart' })
    expect(await failing).toMatchObject({ code: '57P01' })
    await expect(passwordLogin()).rejects.toMatchObject({ code: '57P03' })
    expect((await other.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await other.end()
    await restart.end()
    await (await passwordLogin()).end()
  })

  test('ends none twice: a backend is forgotten with its session', async () => {
    await (await passwordLogin()).end()
    await emulator.faults.begin({ incident: 'postgresRestart' })
    await expect(passwordLogin()).rejects.toMatchObject({ code: '57P03' })
  })
})

describe('a move', () => {
  test('takes the instance, and its certificate, to other addresses; and back when it is over', async () => {
    const client = await passwordLogin()
    const gone = ended(client)
    const addresses = { privateIpAddress: '127.0.0.9', publicIpAddress: null }
    const move = await emulator.faults.begin({ incident: 'move', addresses })
    await gone
    expect((await addressOf()).body).toMatchObject({ ipAddress: '127.0.0.9' })
    ;(await secure(emulator, { host: '127.0.0.9' })).destroy()
    await expect(secure(emulator, { host: '127.0.0.1' })).rejects.toThrow(/altnames/i)
    await move.end()
    expect((await addressOf()).body).toMatchObject({ ipAddress: '127.0.0.1', publicIpAddress: '127.0.0.1' })
    await expect(secure(emulator, { host: '127.0.0.9' })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('to an address that cannot be had leaves the instance where it was', async () => {
    const begin = (privateIpAddress: string): Promise<unknown> =>
      emulator.faults.begin({ incident: 'move', addresses: { privateIpAddress } })
    await expect(begin('192.0.2.1')).rejects.toThrow('is not a loopback address')
    await expect(begin('127.0.0.300')).rejects.toThrow()
    expect((await addressOf()).body).toMatchObject({ ipAddress: '127.0.0.1' })
    await (await passwordLogin()).end()
  })
})

describe('a deletion', () => {
  test('makes the instance unknown, then another of the same name, in the same cluster', async () => {
    const uid = emulator.instances[0]!.uid
    const { caCert } = await certificate(emulator)
    const gone = ended(await passwordLogin())
    const deletion = await emulator.faults.begin({
      incident: 'deletion',
      addresses: { privateIpAddress: '127.0.0.8' },
    })
    await gone
    expect((await addressOf()).body.error).toMatchObject({ code: 404, status: 'NOT_FOUND' })
    expect(emulator.instances.map(({ uri }) => uri)).toEqual([sibling])
    expect((await certificate(emulator, sibling)).caCert).toBe(caCert)
    await (await passwordLogin({ instance: sibling })).end()
    await deletion.end()
    expect((await addressOf()).body).toMatchObject({ ipAddress: '127.0.0.8' })
    expect(emulator.instances[0]).toMatchObject({ uri: instance, privateIpAddress: '127.0.0.8' })
    expect(emulator.instances[0]!.uid).not.toBe(uid)
    ;(await secure(emulator, { host: '127.0.0.8' })).destroy()
    expect((await certificate(emulator)).caCert).toBe(caCert)
    await emulator.setAddresses(instance, { privateIpAddress: '127.0.0.1' })
  })

  test('does not begin where the instance could not have the addresses afterwards', async () => {
    const beginning = emulator.faults.begin({
      incident: 'deletion',
      addresses: { privateIpAddress: '10.0.0.1' },
    })
    await expect(beginning).rejects.toThrow('"10.0.0.1" is not a loopback address')
    expect(emulator.instances.map(({ uri }) => uri)).toEqual([instance, sibling])
  })

  test('of a cluster takes all of its instances with it, and brings another CA', async () => {
    const old = await certificate(emulator)
    const deletion = await emulator.faults.begin({ incident: 'deletion', cluster: true })
    await expect(certificate(emulator, instance)).rejects.toThrow('NOT_FOUND')
    expect(emulator.instances).toEqual([])
    await deletion.end()
    expect(emulator.instances.map(({ uri }) => uri)).toEqual([instance, sibling])
    expect((await certificate(emulator)).caCert).not.toBe(old.caCert)
    await expect(secure(emulator, { issued: old })).rejects.toThrow(/certificate|signature/i)
    for (const uri of [instance, sibling]) await (await passwordLogin({ instance: uri })).end()
  })

  test('of a cluster makes its certificates forgotten, those of requests that come again too', async () => {
    const path = `v1beta/${clusterOf(instance)}:generateClientCertificate`
    const body = { publicKey: publicKeySpki, requestId: 'again' }
    const certified = async (): Promise<unknown> => (await api(emulator, 'POST', path, { body })).body
    const old = await certified()
    expect(await certified()).toEqual(old)
    await (await emulator.faults.begin({ incident: 'deletion', cluster: true })).end()
    expect(await certified()).toMatchObject({ caCert: (await certificate(emulator)).caCert })
  })
})

describe('a clock that is wrong', () => {
  const certified = async (): Promise<X509Certificate> =>
    new X509Certificate((await certificate(emulator)).pemCertificateChain[0]!)

  test('ahead: tokens and certificates are not valid yet, and old ones have expired', async () => {
    const token = await accessToken(emulator.auth)
    const old = await certificate(emulator)
    const skew = await emulator.faults.begin({ incident: 'clockSkew', skewMs: 2 * hour })
    await expect(accessToken(emulator.auth)).rejects.toThrow('Invalid JWT: Token must be a short-lived token')
    const { body } = await api(emulator, 'GET', `v1beta/${instance}/connectionInfo`, { token })
    expect(body.error.details[0].reason).toBe('ACCESS_TOKEN_EXPIRED')
    await expect(secure(emulator, { issued: old })).rejects.toThrow(/not yet valid/i)
    await skew.end()
    ;(await secure(emulator, { issued: old })).destroy()
  })

  test('ahead by less than a token lives: certificates begin in the future', async () => {
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: hour / 2 })
    const { validFrom } = await certified()
    expect(Math.abs(Date.parse(validFrom) - Date.now() - hour / 2)).toBeLessThan(60_000)
  })

  test('behind: what is issued expires early, and is judged by that clock', async () => {
    const fresh = await certificate(emulator)
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: -4 * 60_000 })
    const left = Date.parse((await certified()).validTo) - Date.now()
    expect(left).toBeLessThan(hour - 3 * 60_000)
    await (await passwordLogin()).end()
    // Issued a day back, as always, it is good by any clock near enough.
    ;(await secure(emulator, { issued: fresh })).destroy()
  })

  test('behind by more than Google bears: no token is had for a key', async () => {
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: -hour })
    await expect(accessToken(emulator.auth)).rejects.toThrow('Invalid JWT')
  })

  test('a certificate that is not valid yet by that clock alone is refused', async () => {
    const issued = await certificate(emulator)
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: -48 * hour })
    const socket = await secure(emulator, { issued, rejectUnauthorized: false })
    await closeOf(socket)
    const refused = emulator.requests.findLast(({ step }) => step === 'tls')
    expect(refused).toMatchObject({ outcome: 'refused', reason: 'CERT_NOT_YET_VALID' })
  })

  test('a certificate that has expired by that clock alone is refused, and one of another authority is', async () => {
    const old = await certificate(emulator)
    emulator.faults.add({ step: 'certificate', untrusted: true })
    const untrusted = await certificate(emulator)
    await emulator.faults.begin({ incident: 'clockSkew', skewMs: 2 * hour })
    for (const issued of [old, untrusted]) {
      const socket = await secure(emulator, { issued, rejectUnauthorized: false })
      await closeOf(socket)
    }
    const refused = emulator.requests.filter(({ step }) => step === 'tls').slice(-2)
    expect(refused).toMatchObject([{ reason: 'CERT_HAS_EXPIRED' }, { outcome: 'refused' }])
    expect(refused[1]!.reason).not.toBe('CERT_HAS_EXPIRED')
  })
})

test('two incidents of one instance do not mix, and two of two instances do', async () => {
  await emulator.faults.begin({ incident: 'maintenance' })
  await expect(emulator.faults.begin({ incident: 'postgresRestart' })).rejects.toThrow(
    `The incident "maintenance" of ${instance} is not over.\nEnd it before "postgresRestart" begins.`,
  )
  await expect(
    emulator.faults.begin({ incident: 'deletion', cluster: true, instance: sibling }),
  ).rejects.toThrow('is not over')
  await emulator.faults.begin({ incident: 'maintenance', instance: sibling })
  expect(emulator.faults.incidents).toHaveLength(2)
})

test.each<[object, string]>([
  [{ incident: 'flood' }, 'incident is "flood".\nExpected "maintenance" or "postgresRestart" or'],
  [{ incident: 'move' }, 'The incident "move" has no addresses.'],
  [{ incident: 'clockSkew' }, 'The incident "clockSkew" has no skewMs.'],
  [{ incident: 'clockSkew', instance, skewMs: 1 }, 'The incident "clockSkew" has no field "instance".'],
  [{ incident: 'move', addresses: { ip: '127.0.0.1' } }, 'addresses has no field "ip".'],
  [{ incident: 'maintenance', instance: `${instance}x` }, `There is no instance "${instance}x".\nThere are:`],
])('%j is refused, and says what would do', async (incident, message) => {
  await expect(emulator.faults.begin(incident as Incident)).rejects.toThrow(message)
  expect(emulator.faults.incidents).toEqual([])
})

test('an emulator stops in the middle of incidents, and nothing comes back', async () => {
  const stopping = await startEmulator({ postgres, instances: [instance, sibling] })
  const { port } = stopping.instances[0]!
  const maintenance = await stopping.faults.begin({ incident: 'maintenance', forMs: 20 })
  const starting = stopping.faults.begin({ incident: 'maintenance', instance: sibling, forMs: 0 })
  await stopping.stop()
  await starting
  await maintenance.end()
  const socket = connectTcp(port, '127.0.0.1')
  const error = await new Promise((resolve) => socket.once('error', resolve))
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  await expect(stopping.faults.begin({ incident: 'maintenance' })).rejects.toThrow('has stopped')
  ;(await connect(emulator)).destroy()
})

test('setAddresses() of an instance that there is not is rejected, and throws nothing', async () => {
  const moving = emulator.setAddresses(`${instance}x`, { privateIpAddress: '127.0.0.2' })
  await expect(moving).rejects.toThrow(`There is no instance "${instance}x".`)
})
