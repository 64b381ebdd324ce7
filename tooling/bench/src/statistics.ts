/** What many samples of one quantity come to. */
export interface Summary {
  readonly median: number
  /** The quartiles: half of the samples lie between them. */
  readonly low: number
  readonly high: number
}

/** Sums up samples by their median and quartiles, which a few blocks disturbed by something else do not move. */
export function summarize(samples: readonly number[]): Summary {
  return {
    median: quantile(samples, 0.5),
    low: quantile(samples, 0.25),
    high: quantile(samples, 0.75),
  }
}

/**
 * Finds the value below which so large a part of the samples lies, between two of them where it falls there.
 *
 * @param part a number from 0 to 1
 */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * part
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** What was counted once, and would be the same the next time. */
export function exactly(value: number): Summary {
  return { median: value, low: value, high: value }
}

/** Divides each sample by the one of the same round, so that what slowed a whole round down cancels out. */
export function ratios(subject: readonly number[], reference: readonly number[]): number[] {
  return subject.map((value, round) => value / (reference[round] ?? Number.NaN))
}

/** Gives the items in random order. */
export function shuffle<T>(items: readonly T[], random: () => number = Math.random): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

/** Makes a generator of numbers in [0, 1) that gives the same numbers for the same seed (Mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
