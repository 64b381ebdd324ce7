import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, expect, inject, test, vi } from 'vitest'
import { CertificateAuthority } from '../src/certificate-authority.ts'
import { HttpPort } from '../src/http-port.ts'
import { startEmulator } from '../src/index.ts'

const authority = await CertificateAuthority.create()
const held: string[] = []
const impatient = new HttpPort({
  identity: () => authority.issueServer('localhost', ['localhost']),
  serve: async ({ method }) => void held.push(method),
  silenceLimitMs: 50,
})
const port = await impatient.listen(0, '127.0.0.1')
afterEach(() => void vi.useRealTimers())
afterAll(() => impatient.close())

async function say(words: string | Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.write(words)
  return socket.resume()
}

test.each<[string, string | Uint8Array]>([
  ['nothing', ''],
  ['less than what tells its protocol', 'GE'],
  ['half the head of a request', 'GET / HTTP/1.1\r\nHost: lo'],
  ['half the body of a request', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{'],
  ["half of TLS's first words", new Uint8Array([0x16, 3, 1, 2, 0, 1])],
  ["the beginning of HTTP/2's preface", 'PRI * HTTP/2.0\r\n'],
])('a client that says %s is dropped', async (_case, words) => {
  const socket = await say(words)
  if (!socket.closed) await once(socket, 'close')
})

test('a client that waits for an answer is not dropped', async () => {
  const waiting = await say('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => held).toContain('GET')
  // Longer than those that are dropped have taken.
  for (let others = 0; others < 3; others++) await once(await say('GET / HTTP/1.1\r\n'), 'close')
  expect(waiting.closed).toBe(false)
  waiting.destroy()
})

test('a connection of HTTP/2 stays, with nothing asked on it', async () => {
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${port}`)
  await once(session, 'remoteSettings')
  for (let others = 0; others < 3; others++) await once(await say('GET / HTTP/1.1\r\n'), 'close')
  expect(session.closed).toBe(false)
  session.close()
})

test.each(['application/json', 'application/grpc'])(
  'a request of HTTP/2 that does not come to its end is given up: %s',
  async (type) => {
    await using emulator = await startEmulator({ postgres: inject('postgres') })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const session = connectHttp2(`http://${emulator.host}`)
    const path = '/google.cloud.alloydb.v1beta.AlloyDBAdmin/GetConnectionInfo'
    const request = {
      ':method': 'POST',
      ':path': type === 'application/grpc' ? path : '/token',
      'content-type': type,
    }
    const stream = session.request(request).on('error', () => {})
    stream.write('x')
    const closed = once(stream, 'close')
    // The server has begun to read when it has answered what came after.
    const after = session.request({ ':path': '/' })
    await once(after.resume(), 'end')
    expect(stream.closed).toBe(false)
    vi.advanceTimersByTime(300_000)
    await closed
    session.close()
  },
)
