import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeEach, expect, inject, test } from 'vitest'
import { startEmulator, type ConnectionReport } from '../src/index.ts'
import { iamUser, login } from './dial.ts'

const USER = 'app@emulator.iam'
const { socketPath, adminPassword } = inject('postgres')
const reports: ConnectionReport[] = []
let refuse: (socket: Socket) => void = () => {}

// A PostgreSQL of one's own, which says to the IAM user what a test wants it to say.
const postgres = createServer((socket) => {
  socket
    .on('error', () => {})
    .once('data', (startup) => {
      if (startup.includes(`user\0${USER}\0`)) return refuse(socket)
      const real = connect(socketPath).on('error', () => {})
      real.write(startup)
      real.pipe(socket).pipe(real)
    })
}).listen(0, '127.0.0.1')
await once(postgres, 'listening')
const { port } = postgres.address() as AddressInfo
const emulator = await startEmulator({
  postgres: `postgres://alloydbadmin:${adminPassword}@127.0.0.1:${port}/postgres`,
  onConnection: (report) => void reports.push(report),
})
beforeEach(() => void reports.splice(0))
afterAll(async () => {
  await emulator.stop()
  postgres.close()
})

function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
}

test.each([
  ['53300', 'sorry, too many clients already', {}],
  ['28000', 'no pg_hba.conf entry for host "127.0.0.1"', { D: 'Entry', H: 'Add one.' }],
  ['28P01', `password authentication failed for user "${USER}"`, {}],
])('an error %s with which PostgreSQL refuses an IAM user reaches the client', async (code, text, more) => {
  const fields = Object.entries({ S: 'FATAL', V: 'FATAL', C: code, M: text, ...more })
  refuse = (socket) => socket.end(message('E', `${fields.map((field) => `${field.join('')}\0`).join('')}\0`))
  const { D: detail, H: hint } = more as { D?: string; H?: string }
  const attempt = login(emulator, { authType: 'AUTO_IAM', user: iamUser(emulator) })
  await expect(attempt).rejects.toMatchObject({ severity: 'FATAL', code, message: text, detail, hint })
  const outcome = { outcome: 'refused', reason: `${text} (${code})`, user: USER, step: 'postgres' }
  expect(emulator.requests.at(-1)).toMatchObject(outcome)
  expect(reports).toMatchObject([outcome])
})

test.each<[string, (socket: Socket) => void]>([
  ['ends without a word', (socket) => socket.end()],
  ['resets the connection', (socket) => void socket.resetAndDestroy()],
  ['asks for what the emulator does not have', (socket) => socket.write(message('R', '\0\0\0\x07'))],
])('a PostgreSQL that %s is not available', async (_case, answer) => {
  refuse = answer
  const attempt = login(emulator, { authType: 'AUTO_IAM', user: iamUser(emulator) })
  await expect(attempt).rejects.toMatchObject({ code: '57P03', detail: expect.any(String) })
  expect(reports).toMatchObject([{ outcome: 'refused', reason: expect.any(String) }])
})
