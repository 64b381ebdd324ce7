import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startEmulator, type Emulator } from '../src/index.ts'
import { accessToken, connect, exchangeRequest, iamUser, login, LOGIN, OK, read, secure } from './dial.ts'

const USER = 'ada@example.com'
let emulator: Emulator

beforeAll(async () => {
  emulator = await startEmulator({
    iam: { principals: [{ email: 'app@emulator.iam.gserviceaccount.com' }, { email: USER }] },
    databaseUsers: [
      { email: 'app@emulator.iam.gserviceaccount.com' },
      { email: USER, roles: ['alloydbsuperuser'] },
      { name: `o'brien "x" \\ $$`, password: `pa'ss\\word` },
    ],
  })
})
afterAll(() => emulator.stop())

/** A startup message, and with it whatever a test wants glued to the exchange. */
function startup(parameters: Record<string, string>): Buffer {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.writeUInt32BE(196608, 4)
  return Buffer.concat([head, body])
}

async function scalar(client: Awaited<ReturnType<typeof login>>, sql: string): Promise<unknown> {
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  await client.end()
  return rows[0]?.[0]
}

describe('a login with a password', () => {
  test('works', async () => {
    expect(await scalar(await login(emulator, { password: 'postgres' }), 'select current_user')).toBe(
      'postgres',
    )
    expect(emulator.requests.at(-1)).toMatchObject({
      step: 'postgres',
      outcome: 'served',
      user: 'postgres',
      database: 'postgres',
      principal: emulator.serviceAccount.client_email,
    })
  })

  test('works with any characters in name and password', async () => {
    const client = await login(emulator, { user: `o'brien "x" \\ $$`, password: `pa'ss\\word` })
    expect(await scalar(client, 'select current_user')).toBe(`o'brien "x" \\ $$`)
  })

  test.each([
    ['a wrong password', { password: 'wrong' }],
    ['the superuser', { user: 'alloydbadmin', password: 'postgres' }],
  ])('is refused to %s', async (_case, options) => {
    await expect(login(emulator, options)).rejects.toMatchObject({
      code: '28P01',
      message: expect.stringMatching(/^password authentication failed for user/),
    })
  })
})

describe.each([true, false])('with an exchange: %s', (exchange) => {
  test('an IAM user can log in with an access token as the password', async () => {
    const password = await accessToken(emulator.auth, LOGIN)
    const client = await login(emulator, { exchange, user: iamUser(emulator), password })
    expect(await scalar(client, 'select current_user')).toBe('app@emulator.iam')
    expect(emulator.requests.findLast(({ step }) => step === 'postgres')).toMatchObject({
      outcome: 'served',
      principal: emulator.serviceAccount.client_email,
      user: 'app@emulator.iam',
    })
  })

  test('any other user logs in with the own password', async () => {
    const client = await login(emulator, { exchange, password: 'postgres' })
    expect(await scalar(client, 'select current_user')).toBe('postgres')
  })

  test.each<[string, () => Promise<string>, RegExp]>([
    ['no token', async () => 'any', /token is invalid/],
    [
      'a token of another scope',
      () => accessToken(emulator.auth, 'https://x.test/other'),
      /neither the scope/,
    ],
    ["another's token", async () => accessToken(await emulator.authFor(USER)), /token is for "/],
  ])('an IAM user is refused with %s as the password', async (_case, password, detail) => {
    const attempt = login(emulator, { exchange, user: iamUser(emulator), password: await password() })
    await expect(attempt).rejects.toMatchObject({ code: '28000', detail: expect.stringMatching(detail) })
  })

  test('what is no password is refused', async () => {
    const socket = await connect(emulator, { exchange })
    socket.write(startup({ user: iamUser(emulator), database: 'postgres' }))
    expect([...(await read(socket, 9))]).toEqual([0x52, 0, 0, 0, 8, 0, 0, 0, 3])
    socket.write(Buffer.from([0x70, 0, 1, 0, 4])) // a password of 64 KiB
    expect((await read(socket)).toString()).toMatch(/C08P01.*invalid length of password/s)
  })
})

describe('a client that did not ask for the exchange', () => {
  test('and makes it, gets an error of PostgreSQL for an answer', async () => {
    const socket = await connect(emulator, { exchange: false })
    socket.write(exchangeRequest(await accessToken(emulator.auth, LOGIN)))
    const answer = await read(socket)
    expect(answer.subarray(0, 3)).toEqual(Buffer.from('E\0\0'))
    expect(emulator.requests.findLast(({ step }) => step !== 'token')?.step).not.toBe('exchange')
  })
})

describe('a client that says nothing', () => {
  afterEach(() => void vi.useRealTimers())

  test.each([
    ['instead of the exchange', 30_000, () => secure(emulator)],
    ['after the exchange', 60_000, () => connect(emulator)],
    ['without one', 60_000, () => connect(emulator, { exchange: false })],
    [
      'when it is asked for a password',
      60_000,
      async () => {
        const socket = await connect(emulator)
        socket.write(startup({ user: iamUser(emulator), database: 'postgres' }))
        await read(socket, 9)
        return socket
      },
    ],
  ])('%s is cut off after %d ms', async (_case, limitMs, dial) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const socket = await dial()
    socket.on('error', () => {})
    // The emulator's side of the handshake may not be done yet.
    const isShakingHands = (): boolean =>
      emulator.requests.findLast(({ step }) => step === 'tls')?.outcome === 'pending'
    while (isShakingHands()) await new Promise(setImmediate)
    const closed = once(socket.resume(), 'close')
    vi.advanceTimersByTime(limitMs - 1)
    await new Promise(setImmediate)
    expect(socket.closed).toBe(false)
    vi.advanceTimersByTime(1)
    await closed
  })
})

describe('an IAM login', () => {
  test("is a service account's, without password", async () => {
    const client = await login(emulator, { authType: 'AUTO_IAM', user: iamUser(emulator) })
    expect(await scalar(client, 'select current_user')).toBe('app@emulator.iam')
  })

  test("is a user's, by the whole e-mail address", async () => {
    const token = await accessToken(await emulator.authFor(USER))
    const client = await login(emulator, { authType: 'AUTO_IAM', user: USER, token })
    expect(await scalar(client, "select pg_has_role('alloydbsuperuser', 'member')")).toBe(true)
  })

  test.each([
    ["another's user", USER, /database user is "app@emulator.iam"/],
    ['the unshortened name', 'app@emulator.iam.gserviceaccount.com', /database user is "app@emulator.iam"/],
    ['the superuser', 'alloydbadmin', /database user is "app@emulator.iam"/],
  ])('is refused as %s', async (_case, user, detail) => {
    await expect(login(emulator, { authType: 'AUTO_IAM', user })).rejects.toMatchObject({
      code: '28000',
      severity: 'FATAL',
      message: `AlloyDB IAM user authentication failed for user "${user}"`,
      detail: expect.stringMatching(detail),
    })
  })

  test('is refused while the instance flag is off', async () => {
    emulator.setIamAuthentication(emulator.instance, false)
    const attempt = login(emulator, { authType: 'AUTO_IAM', user: iamUser(emulator) })
    await expect(attempt).rejects.toMatchObject({
      code: '28000',
      hint: expect.stringMatching(/alloydb\.iam_auth/),
    })
    emulator.setIamAuthentication(emulator.instance, true)
  })

  test('is refused without alloydb.users.login', async () => {
    emulator.iam.revoke(USER, 'roles/alloydb.databaseUser')
    const token = await accessToken(await emulator.authFor(USER))
    const attempt = login(emulator, { authType: 'AUTO_IAM', user: USER, token })
    await expect(attempt).rejects.toMatchObject({ detail: expect.stringMatching(/alloydb\.users\.login/) })
    emulator.iam.grant(USER, 'roles/alloydb.databaseUser')
  })

  test('is refused until there is a database user', async () => {
    const email = 'new@emulator.iam.gserviceaccount.com'
    emulator.iam.grant(email, 'roles/alloydb.admin')
    const token = await accessToken(await emulator.authFor(email))
    const options = { authType: 'AUTO_IAM', user: 'new@emulator.iam', token } as const
    await expect(login(emulator, options)).rejects.toMatchObject({
      detail: 'There is no such database user.',
    })
    await emulator.addDatabaseUser({ name: 'new@emulator.iam', password: 'x' })
    await expect(login(emulator, options)).rejects.toMatchObject({
      detail: expect.stringMatching(/not an IAM/),
    })
    await emulator.addDatabaseUser({ email })
    expect(await scalar(await login(emulator, options), 'select 1')).toBe(1)
  })
})

describe('the stream', () => {
  test('may hold exchange, SSLRequest and startup in one piece', async () => {
    const socket = await secure(emulator)
    const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
    socket.write(
      Buffer.concat([
        exchangeRequest(await accessToken(emulator.auth, LOGIN), 'AUTO_IAM'),
        sslRequest,
        startup({ user: iamUser(emulator), database: 'postgres' }),
      ]),
    )
    const answer = await read(socket, OK.length + 10)
    expect(answer.subarray(0, 6)).toEqual(OK)
    // 'N' for the SSLRequest, then AuthenticationOk.
    expect(answer.subarray(6, 16).toString('latin1')).toBe('NR\0\0\0\x08\0\0\0\0')
    socket.destroy()
  })

  test('keeps a half-close: what was asked before the end is answered', async () => {
    const socket = await connect(emulator, { authType: 'AUTO_IAM' })
    socket.write(startup({ user: iamUser(emulator), database: 'postgres' }))
    const query = Buffer.from(`\0\0\0\0select pg_sleep(0.2), 'late'\0`)
    query.writeUInt32BE(query.length)
    socket.end(Buffer.concat([Buffer.from('Q'), query]))
    expect((await read(socket)).toString('latin1')).toContain('late')
  })

  test('carries megabytes in both directions', async () => {
    const client = await login(emulator, { password: 'postgres' })
    const { rows } = await client.query('select length($1) as sent, repeat($2, 5000000) as back', [
      'x'.repeat(5e6),
      'y',
    ])
    await client.end()
    expect(rows[0].sent).toBe(5_000_000)
    expect(rows[0].back).toBe('y'.repeat(5_000_000))
  })

  test('carries a cancel request', async () => {
    const client = await login(emulator, { password: 'postgres' })
    const sleeping = client.query('select pg_sleep(20)').catch((error: unknown) => error)
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    const cancel = Buffer.alloc(16)
    for (const [index, word] of [16, 80877102, processID].entries()) cancel.writeUInt32BE(word, index * 4)
    cancel.writeInt32BE(secretKey, 12)
    // PostgreSQL forgets a cancel request that comes before the query.
    const watcher = await login(emulator, { password: 'postgres' })
    const isSleeping = `select count(*)::int from pg_stat_activity where state = 'active' and pid = ${processID}`
    await expect.poll(async () => (await watcher.query(isSleeping)).rows[0].count).toBe(1)
    await watcher.end()
    const socket = await connect(emulator)
    socket.end(cancel)
    expect(await read(socket)).toHaveLength(0)
    expect(await sleeping).toMatchObject({ code: '57014' })
    await client.end()
  })

  test('ends for PostgreSQL when the client goes away', async () => {
    const gone = await connect(emulator, { authType: 'AUTO_IAM' })
    gone.write(startup({ user: iamUser(emulator), database: 'postgres', application_name: 'gone' }))
    await read(gone, 300)
    const watcher = await login(emulator, { password: 'postgres' })
    const count = async (): Promise<number> =>
      Number(
        (await watcher.query("select count(*) from pg_stat_activity where application_name = 'gone'")).rows[0]
          .count,
      )
    expect(await count()).toBe(1)
    gone.destroy()
    await expect.poll(count).toBe(0)
    await watcher.end()
  })

  test('is refused when its first message makes no sense', async () => {
    const socket = await connect(emulator)
    socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    expect((await read(socket)).toString('latin1')).toMatch(/^E.*08P01.*invalid length of startup packet/s)
    if (!socket.closed) await once(socket.end(), 'close')
  })
})

test('many clients log in at once', async () => {
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => login(emulator, { password: 'postgres' })),
  )
  const rows = await Promise.all(clients.map((client) => scalar(client, 'select pg_backend_pid()')))
  expect(new Set(rows).size).toBe(50)
}, 30_000)
