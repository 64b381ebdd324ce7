import { ratios, shuffle, summarize, type Summary } from './statistics.ts'

/** One way to do the same work. */
export interface Variant {
  readonly name: string
  /** Does one short block of the work and says what it took. */
  readonly measure: () => Promise<number>
}

/** What each variant took, round by round. */
export type Samples = ReadonlyMap<string, readonly number[]>

/** How many rounds to run. */
export interface Rounds {
  readonly rounds: number
  /** Rounds before those, which are not counted. Defaults to 1. */
  readonly warmUpRounds?: number
}

/**
 * Runs all variants in each round, in an order drawn anew, so that whatever else happens on the machine meets all of
 * them alike.
 */
export async function runInterleaved(
  variants: readonly Variant[],
  { rounds, warmUpRounds = 1 }: Rounds,
  signal: AbortSignal,
): Promise<Samples> {
  const samples = new Map<string, number[]>(variants.map(({ name }) => [name, []]))
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    for (const { name, measure } of shuffle(variants)) {
      signal.throwIfAborted()
      const value = await measure()
      if (round >= 0) samples.get(name)?.push(value)
    }
  }
  return samples
}

/** Sums up one variant by its ratios to another, each within its round. */
export function compare(samples: Samples, subject: string, reference: string): Summary {
  return summarize(ratios(samples.get(subject) ?? [], samples.get(reference) ?? []))
}

/** The name of the control: the same variant once more, whose ratio to itself tells how far the machine can be trusted. */
export function again(name: string): string {
  return `${name}, again`
}

/** The variants, and one of them twice. */
export function withControl(variants: readonly Variant[], name: string): Variant[] {
  const twice = variants.filter((variant) => variant.name === name)
  return [...variants, ...twice.map(({ measure }) => ({ name: again(name), measure }))]
}
