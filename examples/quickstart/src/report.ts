/** Prints one step of the quickstart, with what it took where that was measured. */
export function report(what: string, ms?: number): void {
  const time = ms === undefined ? '' : `${ms.toFixed(1)} ms`
  console.log(`  ${what.padEnd(78)} ${time.padStart(10)}`)
}

/** Measures how long some work takes. */
export async function measure<T>(work: () => Promise<T>): Promise<[result: T, ms: number]> {
  const startedAt = performance.now()
  return [await work(), performance.now() - startedAt]
}
