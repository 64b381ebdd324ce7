import type { Readable } from 'node:stream'
import { describeError } from './postgres-wire.ts'

const HEADER_BYTES = 5
// What PostgreSQL says before it is ready is short; an error that is longer is cut.
const MAX_ERROR_BYTES = 8192

/**
 * Watches what PostgreSQL says from the start, beside whoever reads it, until it has let the user in or has refused. Calls
 * `done` then, once, with the reason for a refusal; never if the connection ends first.
 */
export function watchLogin(stream: Readable, done: (refusal?: string) => void): void {
  let pending = Buffer.alloc(0)
  let toSkip = 0
  const settle = (refusal?: string): void => {
    stream.off('data', onData)
    done(refusal)
  }
  const onData = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const skipped = Math.min(toSkip, pending.length)
      pending = pending.subarray(skipped)
      toSkip -= skipped
      if (pending.length < HEADER_BYTES) return
      const type = String.fromCharCode(pending[0]!)
      const length = pending.readUInt32BE(1) + 1
      if (type === 'Z') return settle()
      if (type === 'E') {
        const needed = Math.min(length, MAX_ERROR_BYTES)
        if (pending.length < needed) return
        return settle(describeError(pending.subarray(HEADER_BYTES, needed)))
      }
      toSkip = length
    }
  }
  stream.on('data', onData)
}
