import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** How a transport sends. */
export interface TransportShape {
  /** Sends in pieces of so many bytes. Defaults to as it comes. */
  chunkBytes?: number | undefined
  /** Sends no more than so many bytes; the rest is held back for good. Defaults to no limit. */
  stallAfterBytes?: number | undefined
}

/** A connection whose sending side is shaped. The other side is as it is. */
export class ShapedTransport extends Duplex {
  readonly #socket: Socket
  readonly #chunkBytes: number
  #leftBytes: number

  constructor(socket: Socket, { chunkBytes = Infinity, stallAfterBytes = Infinity }: TransportShape) {
    super()
    this.#socket = socket
    this.#chunkBytes = chunkBytes
    this.#leftBytes = stallAfterBytes
    socket.on('data', (chunk: Buffer) => void (this.push(chunk) || socket.pause()))
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const piece = bytes.subarray(0, Math.min(this.#chunkBytes, this.#leftBytes))
    if (piece.length === 0) return
    this.#leftBytes -= piece.length
    this.#socket.write(piece, (error) => {
      if (error || piece.length === bytes.length) done(error)
      else this._write(bytes.subarray(piece.length), _encoding, done)
    })
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
