import type { Readable } from 'node:stream'
import { PostgresError } from './postgres-wire.ts'

/** What became of a login. */
export interface LoginOutcome {
  /** Why it was refused, if it was. */
  refusal?: string | undefined
  /** The process id of the backend that serves the session. */
  backend?: number | undefined
}

const HEADER_BYTES = 5
// What PostgreSQL says before it is ready is short; an error that is longer is cut.
const MAX_ERROR_BYTES = 8192

/**
 * Watches what PostgreSQL says from the start, beside whoever reads it, until it has let the user in or has refused. Calls
 * `done` then, once; never if the connection ends first.
 */
export function watchLogin(stream: Readable, done: (outcome: LoginOutcome) => void): void {
  let pending = Buffer.alloc(0)
  let toSkip = 0
  let backend: number | undefined
  const settle = (outcome: LoginOutcome): void => {
    stream.off('data', onData)
    done(outcome)
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
      if (type === 'Z') return settle({ backend })
      if (type === 'K') {
        if (pending.length < HEADER_BYTES + 4) return
        backend = pending.readUInt32BE(HEADER_BYTES)
      }
      if (type === 'E') {
        const needed = Math.min(length, MAX_ERROR_BYTES)
        if (pending.length < needed) return
        const { message, code } = new PostgresError(pending.subarray(HEADER_BYTES, needed))
        return settle({ refusal: `${message} (${code})` })
      }
      toSkip = length
    }
  }
  stream.on('data', onData)
}
