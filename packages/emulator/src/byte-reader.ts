import type { Duplex } from 'node:stream'

/** Thrown by {@link readExactly} when the other side ended the stream first. */
export class EndOfStreamError extends Error {
  override name = 'EndOfStreamError'
}

/**
 * Reads exactly `length` bytes and leaves everything after them in the stream's own buffer, so that whoever
 * reads next, a pipe included, misses nothing however the bytes were split.
 */
export function readExactly(stream: Duplex, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: Buffer | Error): void => {
      stream.off('readable', attempt).off('end', onEnd).off('close', onEnd).off('error', settle)
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const onEnd = (): void =>
      settle(new EndOfStreamError(`The stream ended before ${length} bytes had arrived.`))
    const attempt = (): void => {
      const chunk = length === 0 ? Buffer.alloc(0) : (stream.read(length) as Buffer | null)
      // At its end a stream hands out whatever is left.
      if (chunk?.length === length) settle(chunk)
      else if (chunk || stream.readableEnded || stream.destroyed) onEnd()
    }
    // Attached once: a listener that is attached while bytes are waiting is called at once, and would be for ever.
    stream.on('readable', attempt).on('end', onEnd).on('close', onEnd).on('error', settle)
    attempt()
  })
}
