import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Cut } from './fault.ts'

/** The connections that are open, so that they can be cut and nothing outlives the emulator. */
export class Sockets {
  readonly #open = new Map<Socket, TLSSocket | undefined>()

  track(socket: Socket): void {
    this.#open.set(socket, undefined)
    socket.once('close', () => this.#open.delete(socket))
  }

  /** Says that a tracked socket now carries TLS. */
  secure(socket: Socket, secured: TLSSocket): void {
    if (this.#open.has(socket)) this.#open.set(socket, secured)
  }

  cut(how: Cut): void {
    for (const [socket, secured] of this.#open) cut(how, socket, secured)
  }

  destroy(): void {
    for (const [socket, secured] of this.#open) {
      secured?.destroy()
      socket.destroy()
    }
  }
}

/** Cuts a connection: by an end, which lets pending bytes through, or by a reset, which only plain TCP can do. */
export function cut(how: Cut, socket: Socket, secured: TLSSocket | undefined): void {
  if (how === 'RST') socket.resetAndDestroy()
  else (secured ?? socket).destroySoon()
}

const LINGER_MS = 2_000

/**
 * Says the last words on a connection, if it is still open, and ends it. What the client still sends is read and dropped: closing on unread
 * bytes would reset the connection, and the client might lose the last words.
 */
export function endWith(socket: Socket, bytes: Uint8Array = Buffer.alloc(0)): void {
  if (socket.destroyed) return
  const linger = (): void => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
    socket.once('close', () => clearTimeout(timer))
  }
  if (socket.writableFinished) linger()
  else socket.once('finish', linger)
  if (socket.writable) socket.end(bytes)
  socket.resume()
}

/** Says nothing on a connection any more, until the client gives it up: what is not read hides its end. */
export function stall(socket: Socket): void {
  socket.once('end', () => socket.destroy()).resume()
}

/** Destroys the connection of a client that takes too long to say something. */
export async function within<T>(
  limitMs: number,
  socket: { destroy: () => unknown },
  something: Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => socket.destroy(), limitMs).unref()
  try {
    return await something
  } finally {
    clearTimeout(timer)
  }
}

/** Waits; an emulator's waiting keeps no process alive. */
export function delay(ms: number | undefined): Promise<void> {
  return ms ? new Promise((resolve) => void setTimeout(resolve, ms).unref()) : Promise.resolve()
}
