import { constants } from 'node:os'

/** How long a start may go on after a signal. */
const START_LIMIT_MS = 2_000

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Takes the signals that ask a process to end. The first one is noted, so that everything can be stopped in
 * order; the second one ends the process at once. Removed by `[Symbol.dispose]()`.
 */
export class Interruptions implements Disposable {
  /** Resolves with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  /** The first signal, if one has come. */
  signal: NodeJS.Signals | undefined
  readonly #listener = (signal: NodeJS.Signals): void => this.#take(signal)
  readonly #resolve: (signal: NodeJS.Signals) => void
  #receiver: ((signal: NodeJS.Signals) => void) | undefined

  constructor() {
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
    this.first = promise
    this.#resolve = resolve
    for (const name of SIGNALS) process.on(name, this.#listener)
  }

  /** Gives the signals to somebody else, until that is disposed of. */
  handOver(receiver: (signal: NodeJS.Signals) => void): Disposable {
    this.#receiver = receiver
    return { [Symbol.dispose]: () => void (this.#receiver = undefined) }
  }

  /**
   * Makes a start, which the first signal gives up; then there is nothing. This process does not wait for long for the start
   * to end, since what is being started may wait for ever.
   */
  async during<T extends AsyncDisposable>(
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    let isOver = false
    const abort = new AbortController()
    void this.first.then((signal) => {
      if (isOver) return
      abort.abort()
      const giveUp = (): void => void (isOver || process.exit(exitCodeOf(signal)))
      setTimeout(giveUp, START_LIMIT_MS).unref()
    })
    try {
      const started = await start(abort.signal)
      if (!this.signal) return started
      await started[Symbol.asyncDispose]()
      return undefined
    } catch (error) {
      // Whatever the start says, it is the signal's doing.
      if (this.signal) return undefined
      throw error
    } finally {
      isOver = true
    }
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#listener)
  }

  #take(signal: NodeJS.Signals): void {
    if (this.#receiver) return this.#receiver(signal)
    // What is left then is cleaned up as after a SIGKILL.
    if (this.signal) process.exit(exitCodeOf(signal))
    this.signal = signal
    this.#resolve(signal)
  }
}

/** What a shell reports of a process that a signal has ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
