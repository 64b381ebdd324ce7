import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { FailedSocket } from '../src/failed-socket.ts'

const terminate = Buffer.from('X\0\0\0\x04', 'latin1')

/** Makes a socket whose events are recorded. */
function makeSocket(error: Error): { socket: FailedSocket; events: unknown[][] } {
  const socket = new FailedSocket(error)
  const events: unknown[][] = []
  for (const name of ['error', 'close']) socket.on(name, (argument) => events.push([name, argument]))
  return { socket, events }
}

test('gives postgres.js a turn for its first write', async () => {
  const { socket, events } = makeSocket(new Error('down'))
  await new Promise(setImmediate)
  expect(events).toEqual([])
  expect(socket.destroyed).toBe(false)
})

test('fails too when nothing is written', async () => {
  const error = new Error('down')
  const { events } = makeSocket(error)
  await vi.waitFor(() => expect(events.length).toBe(2))
  expect(events).toEqual([
    ['error', error],
    ['close', true],
  ])
})

test('fails at the first write, and closes as after an error', async () => {
  const error = new Error('down')
  const { socket, events } = makeSocket(error)
  socket.write('a startup message')
  expect(events).toEqual([])
  await vi.waitFor(() => expect(events.length).toBe(2))
  expect(events).toEqual([
    ['error', error],
    ['close', true],
  ])
})

test('takes a CancelRequest for sent', async () => {
  const { socket, events } = makeSocket(new Error('down'))
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  socket.write(request)
  await once(socket, 'close')
  expect(events).toEqual([['close', false]])
})

test('closes when postgres.js gives up before its first write', async () => {
  const { socket, events } = makeSocket(new Error('down'))
  if (socket.readyState === 'open') socket.end(terminate) // the condition is that of postgres.js
  await vi.waitFor(() => expect(events.at(-1)).toEqual(['close', true]))
})

test('fails when it is destroyed', async () => {
  const error = new Error('down')
  const { socket, events } = makeSocket(error)
  socket.destroy()
  await vi.waitFor(() => expect(events.length).toBe(2))
  expect(events).toEqual([
    ['error', error],
    ['close', true],
  ])
})
