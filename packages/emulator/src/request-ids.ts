const KEPT_MS = 3_600_000
const MAX_KEPT = 1_000

/**
 * Answers of the last hour by the ids of their requests: whoever sends a request again, not knowing whether the first one
 * arrived, gets the same answer. An answer that failed is not kept.
 *
 * @see https://google.aip.dev/155
 */
export class RequestIds<T> {
  readonly #answers = new Map<string, { at: number; answer: Promise<T> }>()

  /** Makes the answer, or finds the one that was made for an equal key. */
  answer(key: string, make: () => Promise<T>): Promise<T> {
    const now = Date.now()
    const known = this.#answers.get(key)
    if (known && now - known.at < KEPT_MS) return known.answer
    const answer = make()
    this.#answers.delete(key)
    this.#answers.set(key, { at: now, answer })
    answer.catch(() => this.#answers.delete(key))
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MAX_KEPT) this.#answers.delete(oldest!)
    return answer
  }
}
