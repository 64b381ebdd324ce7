import { GoogleError } from './google-error.ts'

const KEPT_MS = 3_600_000
const MAX_KEPT = 1_000

/**
 * Answers of the last hour by the ids of their requests: whoever sends a request again, not knowing whether the first one
 * arrived, gets the same answer. An answer that failed is not kept.
 *
 * @see https://google.aip.dev/155
 */
export class RequestIds<T> {
  readonly #answers = new Map<string, { at: number; content: string; answer: Promise<T> }>()

  /**
   * Makes the answer, or finds the one that was made for an equal key: who asks whom, and the id. `content`: what is asked for.
   *
   * @throws {GoogleError} INVALID_ARGUMENT where the id is of a request for something else
   */
  answer(key: string, content: string, make: () => Promise<T>): Promise<T> {
    const now = Date.now()
    const known = this.#answers.get(key)
    if (known && now - known.at < KEPT_MS) {
      if (known.content === content) return known.answer
      // AIP-155 leaves this open. It is a client's mistake, which the old answer would hide, and a new one too.
      throw new GoogleError(
        'INVALID_ARGUMENT',
        'The request_id was used for another request. Use a new one for each request, and the same one to try again.',
      )
    }
    const answer = make()
    this.#answers.delete(key)
    this.#answers.set(key, { at: now, content, answer })
    answer.catch(() => this.#answers.delete(key))
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MAX_KEPT) this.#answers.delete(oldest!)
    return answer
  }
}
