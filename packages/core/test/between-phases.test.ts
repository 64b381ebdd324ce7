import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { refreshChannel } from '../src/diagnostics.ts'
import { failureOf, startHarness } from './harness.ts'

const { emulator, openConnector } = await startHarness()
const { instance } = emulator

/** A tunnel as libraries give it: a stream of its own on a TCP connection, that breaks with so many of the server's chunks. */
async function openTunnel(
  host: string,
  port: number,
  breakAt: number,
  breakIt: (tunnel: Duplex) => void,
): Promise<Duplex> {
  const socket = connectTcp(port, host).on('error', () => {})
  await once(socket, 'connect')
  const tunnel = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  let chunks = 0
  socket.on('data', (chunk) => {
    tunnel.push(chunk)
    if ((chunks += 1) === breakAt) breakIt(tunnel)
  })
  return tunnel
}

const breaks = {
  'is destroyed with an error': (tunnel: Duplex) => void tunnel.destroy(new Error('channel lost')),
  'tells of an error': (tunnel: Duplex) => void tunnel.emit('error', new Error('channel lost')),
  'is destroyed': (tunnel: Duplex) => void tunnel.destroy(),
} as const

describe.each(Object.entries(breaks))('a tunnel that %s', (_how, breakIt) => {
  test.each([1, 2, 3])('with the chunk %i of the server fails the connect, and nothing else', async (at) => {
    const connector = openConnector({
      connectTimeoutMs: 2_000,
      createConnection: (host, port) => openTunnel(host, port, at, breakIt),
    })
    // The exchange holds the server up, so that its chunks are the same each time.
    emulator.faults.add({ step: 'exchange', delayMs: 50 })
    const result = await connector.connect(instance).catch((error: unknown) => error)
    if (result instanceof Duplex) {
      // The server's words came in fewer chunks than that.
      result.on('error', () => {}).destroy()
    } else {
      expect(result).toMatchObject({
        code: expect.stringMatching(/^ALLOYDB_(TLS_FAILED|EXCHANGE_CLOSED)$/) as string,
      })
    }
  })
})

describe.each(['tls', 'exchange'] as const)('an abort before %s', (step) => {
  test('closes the connection, however shortly before', async () => {
    emulator.faults.add({ step, stall: true })
    const sockets: Socket[] = []
    for (let turns = 0; turns < 16; turns += 1) {
      const abort = new AbortController()
      const connector = openConnector({
        createConnection: async (host, port) => {
          const socket = connectTcp(port, host)
          sockets.push(socket)
          await once(socket, 'connect')
          let left = turns
          const countDown = (): void => (left-- === 0 ? abort.abort() : queueMicrotask(countDown))
          countDown()
          return socket
        },
      })
      expect((await failureOf(connector.connect(instance, { signal: abort.signal }))).code).toBe(
        'ALLOYDB_ABORTED',
      )
    }
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length).toBe(0)
  })
})

test('what all requests share does not run in the async context of the first', async () => {
  const requests = new AsyncLocalStorage<string>()
  const contexts: (string | undefined)[] = []
  const start = (): void => void contexts.push(requests.getStore())
  refreshChannel.start.subscribe(start)
  try {
    const connector = openConnector()
    const socket = await requests.run('the first request', () => connector.connect(instance))
    socket.destroy()
  } finally {
    refreshChannel.start.unsubscribe(start)
  }
  expect(contexts).toEqual([undefined])
})
