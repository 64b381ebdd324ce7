import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, inject, test, vi } from 'vitest'
import { findFreePort } from '../../../tooling/testing/free-ports.ts'
import { startEmulator, startPostgres, type ConnectionReport } from '../src/index.ts'
import { assignAddresses } from '../src/instance-addresses.ts'
import { explainListenError } from '../src/listen-error.ts'
import { accessToken, certificate, closeOf, connect, iamUser, login, secure } from './dial.ts'

const A = 'projects/p/locations/r/clusters/a/instances/i'
const A2 = 'projects/p/locations/r/clusters/a/instances/replica'
const B = 'projects/p/locations/r/clusters/b/instances/i'

vi.setConfig({ testTimeout: 30_000 }) // starting PostgreSQL takes a busy machine a while

const postgres = inject('postgres')

function dialError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
      .on('connect', () => resolve(void socket.destroy()))
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
}

describe('stop', () => {
  test('leaves no listener and no connection, stalled ones neither, and may be called again', async () => {
    const emulator = await startEmulator({ postgres, instances: [A, B] })
    const ports = [...emulator.instances.map(({ port }) => port), Number(emulator.host.split(':')[1])]
    const client = await login(emulator, { password: 'postgres' })
    const ended = new Promise((resolve) => client.once('end', resolve))
    const halfway = await secure(emulator)
    const closed = new Promise((resolve) =>
      halfway
        .on('error', () => {})
        .once('close', resolve)
        .resume(),
    )
    emulator.faults.add({ step: 'token', stall: true })
    const stalled = accessToken(emulator.auth).catch(() => 'failed')
    await expect
      .poll(() => emulator.requests.findLast(({ step }) => step === 'token')?.outcome)
      .toBe('faulted')
    await Promise.all([emulator.stop(), emulator.stop()])
    await Promise.all([ended, closed])
    expect(await stalled).toBe('failed')
    expect(await Promise.all(ports.map(dialError))).toEqual(ports.map(() => 'ECONNREFUSED'))
    await emulator.stop()
  })

  test('is what leaving an `await using` block does', async () => {
    let host: string
    {
      await using emulator = await startEmulator({ postgres })
      host = emulator.host
      expect(await dialError(Number(host.split(':')[1]))).toBeUndefined()
    }
    expect(await dialError(Number(host.split(':')[1]))).toBe('ECONNREFUSED')
  })
})

test('two emulators run at once, each with its own data', async () => {
  await using one = await startEmulator()
  await using two = await startEmulator()
  const client = await login(one, { password: 'postgres' })
  await client.query('create table only_here ()')
  await client.end()
  const other = await login(two, { password: 'postgres' })
  expect((await other.query("select to_regclass('only_here') as found")).rows).toEqual([{ found: null }])
  await other.end()
})

test('instances of one cluster share data, and each has a port and a uid', async () => {
  await using emulator = await startEmulator({ postgres, instances: [A, A2] })
  const [first, second] = emulator.instances
  expect(first!.cluster).toBe(second!.cluster)
  expect(first!.port).not.toBe(second!.port)
  expect(first!.uid).not.toBe(second!.uid)
  const client = await login(emulator, { password: 'postgres' })
  await client.query('create table shared ()')
  await client.end()
  const other = await login(emulator, { password: 'postgres', instance: A2 })
  expect((await other.query("select to_regclass('shared') as found")).rows).toEqual([{ found: 'shared' }])
  await other.end()
})

test('emulators share a PostgreSQL that is running already, known by its address alone', async () => {
  const emulators = await Promise.all([
    startEmulator({ postgres }),
    startEmulator({ postgres }),
    startEmulator({ postgres, instances: [A, B] }),
  ])
  for (const emulator of emulators) {
    const client = await login(emulator, { password: 'postgres' })
    await client.end()
    await emulator.stop()
  }
})

test('a PostgreSQL that died is an error to the client, and not the end of the emulator', async () => {
  const isThere = (pid: number): boolean => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  await using own = await startPostgres()
  await using emulator = await startEmulator({ postgres: own })
  await (await login(emulator, { password: 'postgres' })).end()
  process.kill(own.pid, 'SIGKILL')
  await expect.poll(() => isThere(own.pid)).toBe(false)
  await expect(login(emulator, { password: 'postgres' })).rejects.toMatchObject({
    code: '57P03',
    message: "the emulator's PostgreSQL is not available",
  })
})

describe('a start that fails', () => {
  test('says what is wrong with an instance', async () => {
    await expect(startEmulator({ instances: ['projects/p'] })).rejects.toThrow(/not an instance URI/)
    await expect(startEmulator({ instances: [A, A] })).rejects.toThrow(/given twice/)
    await expect(startEmulator({ instances: [] })).rejects.toThrow('The option instances is empty.')
    const uri = { uri: A, publicIpAddress: '10.0.0.1' }
    await expect(startEmulator({ instances: [uri] })).rejects.toThrow(/not a loopback address/)
    const named = { uri: A, privateIpAddress: 'alloydb' }
    const toOthers = { instances: [named], listenAddress: '0.0.0.0' }
    await expect(startEmulator(toOthers)).rejects.toThrow('"alloydb" is no IP address')
    await expect(startEmulator({ listenAddress: 'alloydb' })).rejects.toThrow('"alloydb" is no IP address')
  })

  test('says which ports and addresses are not to be had, and what to do', async () => {
    const many = { instances: [A, B], listenAddress: '0.0.0.0', port: 65_535 }
    await expect(startEmulator(many)).rejects.toThrow(
      /from 65535 to 65536, and there are none above 65535\.\nChoose a lower one/,
    )
    await expect(startEmulator({ listenAddress: '192.0.2.1' })).rejects.toThrow(
      /no address 192\.0\.2\.1\.\nChoose one that it has by the option listenAddress/,
    )
    const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
    expect(
      explainListenError(denied, { port: 80, address: '127.0.0.1', option: 'adminPort' }).message,
    ).toMatch(
      /^Port 80 of 127\.0\.0\.1 may not be used by this user.*\nChoose a higher one by the option adminPort/,
    )
  })

  test('lets nobody in before its instances are there', async () => {
    const port = await findFreePort()
    const starting = startEmulator({ postgres, adminPort: port })
    const asking = (async () => {
      for (;;) {
        try {
          return (await fetch(`http://127.0.0.1:${port}/emulator/service-account.json`)).json()
        } catch {
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    })()
    await using emulator = await starting
    expect(await asking).toEqual(emulator.serviceAccount)
  })

  test('stops what it had started', async () => {
    await using taken = await startEmulator({ postgres })
    const { port } = taken.instances[0]!
    const instances = [A, { uri: B, port }]
    await expect(startEmulator({ postgres, instances })).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken`)
    const badUser = { name: 'x'.repeat(64), password: 'x' }
    const directory = mkdtempSync(join(tmpdir(), 'test-'))
    chmodSync(directory, 0o777)
    process.env['TMPDIR'] = directory
    try {
      await expect(startEmulator({ databaseUsers: [badUser] })).rejects.toThrow(/63 bytes/)
      expect(readdirSync(directory)).toEqual([])
    } finally {
      delete process.env['TMPDIR']
      rmSync(directory, { recursive: true })
    }
  })
})

describe('a read pool', () => {
  test("serves its cluster's data, and refuses to write", async () => {
    const pool = { uri: A2, instanceType: 'READ_POOL' } as const
    await using emulator = await startEmulator({ postgres, instances: [A, pool] })
    const writer = await login(emulator, { password: 'postgres' })
    await writer.query('drop table if exists read_pool_test; create table read_pool_test as select 7 as n')
    await writer.end()
    const reader = await login(emulator, {
      password: 'postgres',
      instance: A2,
      options: '-c datestyle=german',
    })
    const { rows } = await reader.query(
      `select n, current_setting('datestyle') as datestyle from read_pool_test`,
    )
    expect(rows).toEqual([{ n: 7, datestyle: 'German, DMY' }])
    await expect(reader.query('drop table read_pool_test')).rejects.toMatchObject({ code: '25006' })
    await reader.end()
  })

  test('needs a primary instance in its cluster', async () => {
    const instances = [A, { uri: B, instanceType: 'READ_POOL' as const }]
    await expect(startEmulator({ postgres, instances })).rejects.toThrow('has no primary instance')
  })
})

test('tells how each connection turned out', async () => {
  const reports: ConnectionReport[] = []
  const onConnection = (report: ConnectionReport): void => void reports.push(report)
  await using emulator = await startEmulator({ postgres, onConnection })
  await (await login(emulator, { password: 'postgres' })).end()
  await login(emulator, { password: 'wrong' }).catch(() => {})
  await connect(emulator, { token: 'x' }).catch(() => {})
  ;(await secure(emulator)).destroy()
  await expect.poll(() => reports.length).toBe(4)
  const instance = emulator.instance
  const principal = emulator.serviceAccount.client_email
  const expected = { instance, principal, step: 'postgres', user: 'postgres', authType: 'DB_NATIVE' }
  expect(reports).toMatchObject([
    { ...expected, outcome: 'connected', reason: undefined },
    { ...expected, outcome: 'refused', reason: 'password authentication failed for user "postgres" (28P01)' },
    { instance, outcome: 'refused', step: 'exchange', reason: 'The OAuth 2.0 token is invalid.' },
    { instance, outcome: 'abandoned' },
  ])
})

test('tells of a client certificate that it has refused, and why', async () => {
  const reports: ConnectionReport[] = []
  await using emulator = await startEmulator({
    postgres,
    onConnection: (report) => void reports.push(report),
  })
  for (const fault of [{ lifetimeMs: -1000 }, { untrusted: true }]) {
    emulator.faults.add({ step: 'certificate', times: 1, ...fault })
    const issued = await certificate(emulator)
    const socket = await secure(emulator, { issued, rejectUnauthorized: false })
    await closeOf(socket)
  }
  await expect
    .poll(() => reports)
    .toMatchObject([
      { outcome: 'refused', step: 'tls', reason: 'CERT_HAS_EXPIRED' },
      { outcome: 'refused', step: 'tls', reason: 'SELF_SIGNED_CERT_IN_CHAIN' },
    ])
})

test('a client that goes away while it is held up leaves no session with PostgreSQL', async () => {
  await using emulator = await startEmulator({ postgres })
  const user = iamUser(emulator)
  emulator.faults.add({ step: 'postgres', delayMs: 200, times: 1 })
  const early = login(emulator, { authType: 'AUTO_IAM', user })
  early.catch(() => {})
  await expect.poll(() => emulator.requests.findLast(({ step }) => step === 'postgres')?.user).toBe(user)
  emulator.disconnectAll('RST')
  await expect(early).rejects.toThrow()
  await sleep(300)
  const observer = await login(emulator, { password: 'postgres' })
  const { rows } = await observer.query('select usename from pg_stat_activity where usename = $1', [user])
  expect(rows).toEqual([])
  await observer.end()
})

test('stop() in the middle of logins leaves no session with a PostgreSQL that goes on', async () => {
  const emulator = await startEmulator({ postgres })
  const user = iamUser(emulator)
  const logins = Array.from({ length: 30 }, () =>
    login(emulator, { authType: 'AUTO_IAM', user }).catch(String),
  )
  await expect
    .poll(() => emulator.requests.filter(({ step }) => step === 'postgres').length)
    .toBeGreaterThan(0)
  await emulator.stop()
  await Promise.all(logins)
  await using other = await startEmulator({ postgres })
  const observer = await login(other, { password: 'postgres' })
  const sessions = 'select usename from pg_stat_activity where usename = $1'
  await expect.poll(async () => (await observer.query(sessions, [user])).rows).toEqual([])
  await observer.end()
})

test('the roles that it works by are not for anybody else to set', async () => {
  await using emulator = await startEmulator({ postgres })
  for (const name of ['postgres', 'alloydbadmin', 'alloydbsuperuser', 'alloydbiamuser']) {
    const adding = emulator.addDatabaseUser({ name, password: 'mine' })
    await expect(adding).rejects.toThrow(`"${name}" is there already, and the emulator needs it as it is.`)
  }
})

test('an instance that cannot listen where it is told to stays where it was', async () => {
  await using emulator = await startEmulator({ postgres })
  const { port } = emulator.instances[0]!
  const other = createServer().listen(port, '127.0.0.9')
  await once(other, 'listening')
  const moving = emulator.setAddresses(emulator.instance, { privateIpAddress: '127.0.0.9' })
  await expect(moving).rejects.toThrow(`${port}`)
  expect(emulator.instances[0]).toMatchObject({ privateIpAddress: '127.0.0.1' })
  await (await login(emulator, { password: 'postgres' })).end()
  other.close()
})

test('instances with ports of their own share an address', () => {
  const instances = [{ uri: A, port: 5433 }, { uri: A2, port: 5434 }, { uri: B }]
  const assigned = assignAddresses(instances, 5433)
  expect(assigned.map(({ privateIpAddress }) => privateIpAddress)).toEqual([
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.2',
  ])
})

test('instances have addresses of their own where they are to have the same port', async () => {
  const port = await findFreePort()
  const instances = [A, { uri: A2, publicIpAddress: '127.0.0.3' }, B]
  await using emulator = await startEmulator({ postgres, port, instances })
  expect(
    emulator.instances.map((instance) => [
      instance.privateIpAddress,
      instance.publicIpAddress,
      instance.pscDnsName,
      instance.port,
    ]),
  ).toEqual([
    ['127.0.0.1', '127.0.0.1', 'localhost', port],
    ['127.0.0.2', '127.0.0.3', '127.0.0.2', port],
    ['127.0.0.4', '127.0.0.4', '127.0.0.4', port],
  ])
  for (const { uri, privateIpAddress } of emulator.instances) {
    const socket = await secure(emulator, { instance: uri, host: privateIpAddress! })
    expect(socket.authorized).toBe(true)
    socket.destroy()
  }
})

describe("a PostgreSQL of one's own, by its URL", () => {
  const { socketPath, adminPassword } = postgres
  const url = `postgres://alloydbadmin:${adminPassword}@/postgres?host=${dirname(socketPath)}`

  const connectToPostgres = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      host: dirname(socketPath),
      user: 'alloydbadmin',
      password: adminPassword,
      database: 'postgres',
    })
    await client.connect()
    return client
  }

  test('is used and left running', async () => {
    for (let times = 0; times < 2; times++) {
      await using emulator = await startEmulator({ postgres: url })
      expect(emulator.instances[0]!.postgresUrl).toBe(url.replace(`:${adminPassword}`, ''))
      const client = await login(emulator, { user: iamUser(emulator), authType: 'AUTO_IAM' })
      expect((await client.query('select current_user as me')).rows).toEqual([{ me: iamUser(emulator) }])
      await client.end()
    }
  })

  test('lets its superusers in by their passwords, as nobody else', async () => {
    await using emulator = await startEmulator({ postgres: url })
    const admin = await connectToPostgres()
    await admin.query(
      `drop role if exists their_admin; create role their_admin superuser login password 'theirs'`,
    )
    await admin.end()
    const client = await login(emulator, { user: 'their_admin', password: 'theirs' })
    expect((await client.query('select current_user as me')).rows).toEqual([{ me: 'their_admin' }])
    await client.end()
  })

  test('is used by somebody who is no superuser, but may make roles and grant those that are there', async () => {
    const admin = await connectToPostgres()
    await admin.query(
      `drop role if exists their_maker; create role their_maker createrole login password 'theirs'`,
    )
    const options = {
      postgres: url.replace(`alloydbadmin:${adminPassword}`, 'their_maker:theirs'),
      databaseUsers: [{ email: 'made@p.iam.gserviceaccount.com' }],
    }
    await expect(startEmulator(options)).rejects.toThrow(/permission denied to grant role.*\n.*admin option/)
    await admin.query('grant alloydbiamuser to their_maker with admin option')
    await using emulator = await startEmulator(options)
    expect(emulator.instances).toHaveLength(1)
    await admin.query('drop role "made@p.iam"; drop role their_maker')
    await admin.end()
  })

  test.each([
    ['mysql://root@localhost/db', 'Write it as "postgres://'],
    ['postgres://localhost/db', 'Write it as "postgres://'],
    ['postgres://me@localhost/db?sslmode=require', 'without TLS'],
    [
      url.replace(adminPassword, 'wrong'),
      'could not use your PostgreSQL as "alloydbadmin": password authentication failed',
    ],
    [
      'postgres://me:secret@127.0.0.1:1/db',
      'could not use your PostgreSQL as "me": connect ECONNREFUSED 127.0.0.1:1',
    ],
  ])('%s is an error that says what to do', async (wrong, message) => {
    await expect(startEmulator({ postgres: wrong })).rejects.toThrow(message)
  })
})

describe('web pages from elsewhere', () => {
  const ask = (host: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const path = '/computeMetadata/v1/instance/service-accounts/default/email'
      get({
        host: '127.0.0.1',
        port: host.split(':')[1],
        path,
        headers: { 'metadata-flavor': 'Google', ...headers },
      })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
    })

  test('get nothing: neither by a name of their own for 127.0.0.1 nor across origins', async () => {
    await using emulator = await startEmulator({ postgres })
    const { host } = emulator
    const from = (origin: string): Record<string, string> => ({ origin })
    const to = (name: string): Record<string, string> => ({ host: name })
    for (const refused of [
      to('evil.test'),
      to('127.0.0.1.evil.test:80'),
      from('http://evil.test'),
      from('null'),
    ]) {
      expect([refused, await ask(host, refused)]).toEqual([refused, 403])
    }
    for (const served of [
      {},
      to('localhost:1'),
      to('[::1]'),
      from('http://localhost:3000'),
      to('metadata.google.internal'),
    ]) {
      expect([served, await ask(host, served)]).toEqual([served, 200])
    }
  })

  test('get nothing by HTTP/2 either', async () => {
    await using emulator = await startEmulator({ postgres })
    const session = connectHttp2(`http://${emulator.host}`)
    const ask2 = async (authority: string): Promise<unknown> => {
      const stream = session.request({ ':path': '/emulator/service-account.json', ':authority': authority })
      const [headers] = (await once(stream.resume(), 'response')) as [Record<string, unknown>]
      return headers[':status']
    }
    expect([await ask2('evil.test'), await ask2(emulator.host)]).toEqual([403, 200])
    session.close()
  })

  test.each(['localhost', '::ffff:127.0.0.1'])('get nothing where it listens on %s, either', async (name) => {
    await using emulator = await startEmulator({ postgres, listenAddress: name })
    expect(emulator.host).toMatch(/^127\.0\.0\.1:/)
    expect(emulator.instances[0]).toMatchObject({ privateIpAddress: '127.0.0.1' })
    expect(await ask(emulator.host, { host: 'rebound.example:9797' })).toBe(403)
  })

  test('are not told from other machines where those are let in', async () => {
    await using emulator = await startEmulator({ postgres, listenAddress: '0.0.0.0' })
    expect(await ask(emulator.host, { host: 'emulator:9797' })).toBe(200)
  })
})

test('what listens on one address is found there', async () => {
  await using emulator = await startEmulator({ postgres, listenAddress: '127.0.0.3' })
  expect(emulator.host).toMatch(/^127\.0\.0\.3:/)
  expect((await fetch(`http://${emulator.host}/emulator/ca.pem`)).status).toBe(200)
})

test('other machines can be let in: any addresses, and a port for each instance', async () => {
  const port = await findFreePort(1)
  const instances = [{ uri: A, privateIpAddress: '192.0.2.1', pscDnsName: 'emulator' }, B]
  await using emulator = await startEmulator({ postgres, port, instances, listenAddress: '0.0.0.0' })
  expect(emulator.instances.map((instance) => instance.port)).toEqual([port, port + 1])
  const socket = await secure(emulator, { instance: A, servername: 'emulator' })
  expect(socket.authorized).toBe(true)
  socket.destroy()
  const key = await fetch(`http://${emulator.host}/emulator/service-account.json`)
  expect(await key.json()).toEqual(emulator.serviceAccount)
})
