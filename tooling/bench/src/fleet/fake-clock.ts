interface Timer {
  readonly dueAt: number
  /** Timers that are due at the same time run in the order in which they were set. */
  readonly id: number
  readonly run: () => void
  isCleared: boolean
}

const flush = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Takes the place of `setTimeout`, `clearTimeout` and `Date.now` for this process, and lets days pass in seconds. */
export class FakeClock {
  now: number
  /** A binary heap: the next timer is the first. */
  readonly #timers: Timer[] = []
  #nextId = 0

  constructor(now: number) {
    this.now = now
    Date.now = () => this.now
    globalThis.setTimeout = ((run: () => void, delayMs: number) => this.#set(run, delayMs)) as never
    globalThis.clearTimeout = ((timer: { clear(): void } | undefined) => timer?.clear()) as never
  }

  /** Runs all timers up to that time, and what they set off, each at its own time. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#timers[0]; next !== undefined && next.dueAt <= end; next = this.#timers[0]) {
      this.now = Math.max(this.now, next.dueAt)
      while (this.#timers[0] !== undefined && this.#timers[0].dueAt <= this.now) {
        const timer = this.#takeFirst()
        if (!timer.isCleared) timer.run()
      }
      await flush()
    }
    this.now = end
  }

  #set(run: () => void, delayMs: number): { unref(): unknown; clear(): void } {
    const timer: Timer = { dueAt: this.now + delayMs, id: this.#nextId++, run, isCleared: false }
    this.#add(timer)
    const handle = {
      unref: () => handle,
      clear: () => {
        timer.isCleared = true
      },
    }
    return handle
  }

  #add(timer: Timer): void {
    const timers = this.#timers
    let index = timers.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(timer, timers[parent] as Timer)) break
      timers[index] = timers[parent] as Timer
      index = parent
    }
    timers[index] = timer
  }

  #takeFirst(): Timer {
    const timers = this.#timers
    const first = timers[0] as Timer
    const last = timers.pop() as Timer
    if (timers.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= timers.length) break
      if (child + 1 < timers.length && isBefore(timers[child + 1] as Timer, timers[child] as Timer))
        child += 1
      if (!isBefore(timers[child] as Timer, last)) break
      timers[index] = timers[child] as Timer
      index = child
    }
    timers[index] = last
    return first
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.id < b.id)
}
