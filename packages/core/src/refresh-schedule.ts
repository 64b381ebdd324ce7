/** A certificate with less left than this is too old to wait for the next refresh: 4 minutes, as in the peers. */
export const expiryBufferMs: number = 4 * 60_000

const hourMs = 60 * 60_000
const maxJitter = 0.5

/**
 * Tells how long to wait until the next refresh: half of what is left of the certificate, or what is left less four
 * minutes when that is under an hour.
 *
 * A random part of up to a half is taken off, so that a fleet of processes that started together does not refresh
 * together. It only ever makes a refresh earlier.
 *
 * @param random a number in [0, 1)
 */
export function refreshDelayMs(now: number, expiresAt: number, random: number): number {
  const left = expiresAt - now
  const delay = left >= hourMs ? left / 2 : Math.max(0, left - expiryBufferMs)
  return Math.floor(delay * (1 - maxJitter * random))
}
