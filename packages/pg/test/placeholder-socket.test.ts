import type { Dial } from '@alloydb/core/adapter'
import { once } from 'node:events'
import { Duplex, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { connect, createServer, TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createPlaceholder, type StreamOwner } from '../src/placeholder-socket.ts'

// TLS with a key that both sides know, so that no certificates are needed.
const key = Buffer.alloc(32, 1)
const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
let onConnection = (socket: TLSSocket): unknown => socket.pipe(socket)
const server = createServer({ ...psk, pskCallback: () => key }, (socket) => {
  socket.on('error', () => {})
  onConnection(socket)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => server.close())

const open: Dial = async () => {
  const { port } = server.address() as AddressInfo
  const socket = connect({
    ...psk,
    host: '127.0.0.1',
    port,
    pskCallback: () => ({ psk: key, identity: 'test' }),
    checkServerIdentity: () => undefined,
  })
  await once(socket, 'secureConnect')
  return socket
}

/** What pg uses of its stream beyond a Duplex. */
type PgStream = Duplex &
  Pick<TLSSocket, 'connect' | 'setNoDelay' | 'setKeepAlive' | 'setTimeout' | 'ref' | 'unref'>

/** A placeholder, with the owner that it has in pg. */
function place(dial: Dial): { stream: PgStream; owner: StreamOwner; events: string[] } {
  const owner: StreamOwner = {}
  const stream = createPlaceholder(dial, owner) as PgStream
  owner.stream = stream
  const events: string[] = []
  for (const event of ['connect', 'error', 'close', 'end']) stream.on(event, () => events.push(event))
  return { stream, owner, events }
}

/** A dial that the test decides on. */
function deferDial(): {
  dial: Dial
  resolve: (socket: TLSSocket) => void
  signal: () => AbortSignal | undefined
} {
  const { promise, resolve } = Promise.withResolvers<TLSSocket>()
  let given: AbortSignal | undefined
  const dial: Dial = (signal) => {
    given = signal
    return promise
  }
  return { dial, resolve, signal: () => given }
}

describe('before it is connected', () => {
  test('is a Duplex that does not dial by itself', () => {
    const { dial, signal } = deferDial()
    const { stream } = place(dial)
    expect(stream).toBeInstanceOf(Duplex)
    expect(stream).not.toBeInstanceOf(TLSSocket)
    expect(stream.destroyed).toBe(false)
    expect(signal()).toBeUndefined()
  })

  test('gives up the dial on end(), without an error', async () => {
    const { dial, signal } = deferDial()
    const { stream, events } = place(dial)
    expect(stream.connect(5432)).toBe(stream)
    stream.end()
    expect(signal()?.aborted).toBe(true)
    expect(stream.destroyed).toBe(true)
    expect(events).toEqual([])
    await once(stream, 'close')
    expect(events).toEqual(['close'])
  })

  test('gives up the dial on destroy(), with the error that it is given', async () => {
    const { dial, signal } = deferDial()
    const { stream, events } = place(dial)
    const timeout = new Error('timeout expired')
    stream.connect(5432)
    stream.destroy(timeout)
    expect(signal()?.reason).toBe(timeout)
    await closeOf(stream)
    expect(stream.errored).toBe(timeout)
    expect(events).toEqual(['error', 'close'])
  })

  test('fails with the very error of the dial', async () => {
    const failure = new Error('no route')
    const { stream, events } = place(() => Promise.reject(failure))
    stream.connect(5432)
    await closeOf(stream)
    expect(stream.errored).toBe(failure)
    expect(events).toEqual(['error', 'close'])
  })

  test.each([
    ['in the same tick', (): unknown => undefined],
    ['later', (): unknown => new Promise(setImmediate)],
  ])('tells once that it was destroyed to a listener of the connect() that comes %s', async (_, wait) => {
    const { dial, signal } = deferDial()
    const stream = createPlaceholder(dial, {}) as PgStream
    stream.destroy()
    await wait()
    stream.connect(5432)
    const onClose = vi.fn<() => void>()
    stream.on('close', onClose)
    expect(onClose).not.toHaveBeenCalled()
    await once(stream, 'close')
    await new Promise(setImmediate)
    expect(onClose).toHaveBeenCalledTimes(1)
    expect(signal()).toBeUndefined()
  })

  test('tells of the error that it was destroyed with to whoever connects it afterwards', async () => {
    const { dial } = deferDial()
    const stream = createPlaceholder(dial, {}) as PgStream
    const failure = new Error('given up')
    stream.once('error', () => {}).destroy(failure)
    await closeOf(stream)
    const onError = vi.fn<(error: Error) => void>()
    stream.connect(5432).on('error', onError)
    await closeOf(stream)
    expect(onError.mock.calls).toEqual([[failure]])
  })

  test('destroys a socket that comes when nobody waits for it any more', async () => {
    const { dial, resolve } = deferDial()
    const { stream, owner, events } = place(dial)
    stream.connect(5432)
    stream.destroy()
    await once(stream, 'close')
    const socket = await open(AbortSignal.abort())
    resolve(socket)
    await once(socket, 'close')
    expect(owner.stream).toBe(stream)
    expect(events).toEqual(['close'])
  })

  test('ends plainly when the socket that comes is closed already', async () => {
    const socket = await open(AbortSignal.abort())
    await once(socket.destroy(), 'close')
    const { stream, events } = place(() => Promise.resolve(socket))
    stream.connect(5432)
    await once(stream, 'close')
    expect(events).toEqual(['close'])
  })

  test('remembers the settings of the socket', async () => {
    const socket = await open(AbortSignal.abort())
    const spies = (['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'] as const).map((name) =>
      vi.spyOn(socket, name),
    )
    const { stream } = place(() => Promise.resolve(socket))
    stream.setNoDelay(true).setKeepAlive(true, 1_000).setTimeout(60_000)
    stream.unref().ref().connect(5432)
    await once(stream, 'connect')
    expect(spies.map((spy) => spy.mock.calls)).toEqual([[[true]], [[true, 1_000]], [[60_000]], [[]], [[]]])
    expect(socket.timeout).toBe(60_000)
    socket.destroy()
  })
})

describe('once it is connected', () => {
  test('makes the raw socket the stream of its owner before it emits connect', async () => {
    const { stream, owner } = place(open)
    const seen = new Promise((resolve) => stream.once('connect', () => resolve(owner.stream)))
    stream.connect(5432)
    const socket = await seen
    expect(socket).toBe(owner.stream)
    expect(Object.getPrototypeOf(socket)).toBe(TLSSocket.prototype)
    ;(socket as TLSSocket).destroy()
  })

  test('leaves the socket with the listeners of its owner and no other', async () => {
    let before: string[] = []
    const { stream, owner } = place(async (signal) => {
      const socket = await open(signal)
      before = describeListeners(socket)
      return socket
    })
    const onData = (): void => {}
    stream.on('data', onData).connect(5432)
    await once(stream, 'connect')
    const socket = owner.stream as TLSSocket
    expect(describeListeners(socket)).toEqual([...before, 'close', 'data', 'end', 'error'].toSorted())
    expect(socket.listeners('data')).toEqual([onData])
    socket.destroy()
  })

  test('moves what was added by once() as such', async () => {
    const { stream, owner } = place(open)
    const onData = vi.fn<(chunk: Buffer) => void>()
    stream.once('data', onData).on('data', () => {})
    stream.connect(5432)
    await once(stream, 'connect')
    const socket = owner.stream as TLSSocket
    socket.write('a')
    await once(socket, 'data')
    socket.write('b')
    await once(socket, 'data')
    expect(onData.mock.calls.map(([chunk]) => String(chunk))).toEqual(['a'])
    expect(socket.listeners('data')).toHaveLength(1)
    socket.destroy()
  })

  test('shows the connection to whoever kept it', async () => {
    const { stream: kept, owner, events } = place(open)
    kept.connect(5432)
    await once(kept, 'connect')
    const socket = owner.stream as TLSSocket
    expect(kept).toBeInstanceOf(TLSSocket)
    expect('encrypted' in kept).toBe(true)
    expect(kept.constructor).toBe(TLSSocket)
    expect((kept as unknown as TLSSocket).remotePort).toBe((server.address() as AddressInfo).port)
    expect(kept.writable).toBe(true)

    const onData = vi.fn<() => void>()
    expect(kept.on('data', onData)).toBe(kept)
    kept.write('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    expect(onData).toHaveBeenCalledTimes(1)
    kept.off('data', onData)
    expect(socket.listenerCount('data')).toBe(0)

    socket.destroy()
    expect(kept.destroyed).toBe(true)
    expect(kept.writable).toBe(false)
    await once(kept, 'close')
    expect(events).toEqual(['connect', 'close'])
  })

  test('ends and destroys the connection for whoever kept it', async () => {
    const ended = place(open)
    ended.stream.connect(5432)
    await once(ended.stream, 'connect')
    ended.stream.resume().end()
    expect((ended.owner.stream as TLSSocket).writableEnded).toBe(true)
    await once(ended.stream, 'close')
    expect(ended.events).toEqual(['connect', 'end', 'close'])

    const destroyed = place(open)
    destroyed.stream.connect(5432)
    await once(destroyed.stream, 'connect')
    const failure = new Error('enough')
    destroyed.stream.destroy(failure)
    expect((destroyed.owner.stream as TLSSocket).errored).toBe(failure)
    await closeOf(destroyed.stream)
    expect(destroyed.events).toEqual(['connect', 'error', 'close'])
  })
})

describe('for an owner that is not the Connection of pg', () => {
  test('carries data both ways', async () => {
    const stream = createPlaceholder(open, undefined) as PgStream
    stream.connect(5432)
    await once(stream, 'connect')
    const sent = Buffer.alloc(4_000_000, 'alloydb')
    const [received] = await Promise.all([
      buffer(stream),
      pipeline(Readable.from([sent.subarray(0, 1_000_000), sent.subarray(1_000_000)]), stream),
    ])
    expect(received.equals(sent)).toBe(true)
  })

  test('sends what was written before, in order', async () => {
    const stream = createPlaceholder(open, undefined) as PgStream
    for (const part of ['a', 'b', 'c']) stream.write(part)
    stream.connect(5432).once('connect', () => stream.write('d'))
    let received = ''
    while (received.length < 4) received += String((await once(stream, 'data'))[0])
    expect(received).toBe('abcd')
    stream.destroy()
  })

  test('asks to wait while the server does not read, also before it is connected', async () => {
    const accepted = new Promise<TLSSocket>((resolve) => {
      onConnection = (socket) => resolve(socket.pause())
    })
    const stream = createPlaceholder(open, undefined) as PgStream
    expect(stream.write(Buffer.alloc(100_000))).toBe(false)
    const drained = once(stream, 'drain')
    stream.connect(5432)
    await drained
    let written = 100_000
    while (stream.write(Buffer.alloc(65_536))) {
      written += 65_536
      await new Promise(setImmediate)
    }
    expect(stream.writableNeedDrain).toBe(true)
    const draining = once(stream, 'drain')
    ;(await accepted).resume()
    await draining
    expect(stream.writableLength).toBe(0)
    expect(written).toBeGreaterThan(0)
    stream.destroy()
    onConnection = (socket) => socket.pipe(socket)
  })
})

/** Waits for 'close', whatever comes before it. */
function closeOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', () => resolve()))
}

function describeListeners(socket: TLSSocket): string[] {
  return socket
    .eventNames()
    .flatMap((name) => socket.listeners(name).map(() => String(name)))
    .toSorted()
}
