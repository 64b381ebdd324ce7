import { AlloyDBError } from '@alloydb/core'

/** A timer that is to wait for longer does not wait at all. */
const longestMs = 2 ** 31 - 1

/**
 * Reads postgres.js's limit on connecting, which is in seconds; 0 is none.
 *
 * @throws ALLOYDB_INVALID_OPTION if no timer can wait for so long: with postgres.js, each connect would then fail at once
 */
export function readConnectTimeoutMs(seconds: unknown): number {
  const timeoutMs = Number(seconds) * 1000
  if (timeoutMs > longestMs) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `The option "connect_timeout" is longer than a timer can wait: ${Number(seconds)} seconds.`,
      { hint: 'Give at most 2147483 seconds, or 0 for no limit.' },
    )
  }
  return timeoutMs > 0 ? timeoutMs : 0
}
