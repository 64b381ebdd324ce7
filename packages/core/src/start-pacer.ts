/**
 * Lets so many dials begin in one turn of the event loop, first come first served. Beginning one is cheap, but a
 * thousand at once would still hold up all else in the process.
 */
export class StartPacer {
  readonly #perTurn: number
  readonly #waiting: (() => void)[] = []
  #begun = 0

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** Gives nothing where there is room in this turn, or else what to wait for: the dial has its place then. */
  enter(): Promise<void> | undefined {
    if (this.#begun === 0) setImmediate(() => this.#nextTurn())
    if (this.#begun < this.#perTurn) {
      this.#begun += 1
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #nextTurn(): void {
    const admitted = this.#waiting.splice(0, this.#perTurn)
    this.#begun = admitted.length
    for (const admit of admitted) admit()
    if (admitted.length > 0) setImmediate(() => this.#nextTurn())
  }
}
