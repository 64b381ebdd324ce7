/** A certificate with less left than this is too old to wait for the next refresh: 4 minutes, as in the peers. */
export const expiryBufferMs: number = 4 * 60_000

const hourMs = 60 * 60_000
const maxJitter = 2 / 3
/** What a timer of Node.js can wait at most; longer ones are over at once. Only a clock that is wrong by weeks asks for it. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Tells how long to wait until the next refresh: half of what is left of the certificate, or what is left less four
 * minutes when that is under an hour.
 *
 * A random part of up to two thirds is taken off, so that a fleet of processes that started together does not refresh
 * together. It only ever makes a refresh earlier.
 *
 * @param random a number in [0, 1)
 */
export function refreshDelayMs(now: number, expiresAt: number, random: number): number {
  const left = expiresAt - now
  const delay = left >= hourMs ? left / 2 : Math.max(0, left - expiryBufferMs)
  return Math.min(Math.floor(delay * (1 - maxJitter * random)), longestTimerMs)
}

/**
 * Tells how long to wait with another try after a failed refresh, for as long as the old certificate is valid: a quarter
 * of what is left of it, less a random part as above. Nobody waits for that refresh, and a service that a whole fleet
 * finds failing is not asked more than it would be anyway.
 *
 * @param random a number in [0, 1)
 */
export function retryDelayMs(now: number, expiresAt: number, random: number): number {
  const delay = Math.max(0, expiresAt - now) / 4
  return Math.min(Math.floor(delay * (1 - maxJitter * random)), longestTimerMs)
}
