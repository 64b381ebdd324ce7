const firstMs = 1_000
const longestMs = 2 * 60_000

/**
 * Tells how long to wait after so many failures in a row: 1 s, doubled for each failure after the first, 2 minutes at
 * most, of which a random half is taken off so that the clients of a service that recovers do not come all at once.
 *
 * @param failures 1 after the first failure
 * @param random a number in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** (failures - 1))
  return Math.floor(full * (1 - random / 2))
}
