/** Does the work at the first call, and gives its outcome to all; after a failure the next call does it again. */
export function keepSuccess<T>(work: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | undefined
  return () => {
    kept ??= work().catch((error: unknown) => {
      kept = undefined
      throw error
    })
    return kept
  }
}
