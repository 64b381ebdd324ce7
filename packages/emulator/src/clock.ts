/** The clock of the service, which may differ from this machine's. */
export class Clock {
  /** By how much it is ahead; negative where it is behind. */
  skewMs = 0

  get isSkewed(): boolean {
    return this.skewMs !== 0
  }

  /** In milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.skewMs
  }

  /** When what is issued now begins to be valid; nothing, for the usual, where the clock is right. */
  get notBefore(): Date | undefined {
    return this.isSkewed ? new Date(this.now()) : undefined
  }
}
