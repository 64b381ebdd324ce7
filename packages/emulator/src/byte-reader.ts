import type { Duplex } from 'node:stream'

/** Thrown by {@link readExactly} when the other side ended the stream first. */
export class EndOfStreamError extends Error {
  override name = 'EndOfStreamError'
}

/**
 * Reads exactly `length` bytes and leaves everything after them in the stream's own buffer, so that whoever
 * reads next, a pipe included, misses nothing however the bytes were split.
 */
export async function readExactly(stream: Duplex, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  for (;;) {
    const chunk = stream.read(length) as Buffer | null
    if (chunk?.length === length) return chunk
    if (chunk || stream.readableEnded || stream.destroyed) throw endOfStream(length)
    await untilReadable(stream, length)
  }
}

function untilReadable(stream: Duplex, length: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      stream.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    const onReadable = (): void => settle()
    const onEnd = (): void => settle(endOfStream(length))
    stream.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', settle)
  })
}

function endOfStream(length: number): EndOfStreamError {
  return new EndOfStreamError(`The stream ended before ${length} bytes had arrived.`)
}
