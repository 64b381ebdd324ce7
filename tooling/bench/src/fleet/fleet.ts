/** A deployment, and what befalls it. Times are in milliseconds from its start. */
export interface Fleet {
  readonly processes: number
  readonly durationMs: number
  readonly certificateLifetimeMs: number
  /** Requests to the Admin API that are answered in a minute; what is more is refused with 429. */
  readonly quotaPerMinute: number
  /** While the Admin API answers 503. */
  readonly outageStart: number
  readonly outageEnd: number
  /** After so long, the outage is to have left no trace. */
  readonly settleMs: number
  /** How often each process opens a connection. */
  readonly connectIntervalMs: number
  /** For the random numbers: the same seed gives the same course. */
  readonly seed: number
}

/** The course that it took. */
export interface FleetReport {
  /** Requests to the Admin API in each minute, refused ones included. */
  readonly requestsPerMinute: readonly number[]
  /** When the last process got its first certificate. */
  readonly startedAt: number
  /** When the last process whose refresh the outage had failed got a certificate; infinite where one never did. */
  readonly recoveredAt: number
  readonly connections: number
  /** Connections that failed, by why the process could not help it. */
  readonly failedBeforeFirstCertificate: number
  readonly failedWithExpiredCertificate: number
  /** Those of these that failed when the outage was long over. */
  readonly failedLongAfterOutage: number
  /** Connections that failed although the process had a valid certificate. */
  readonly failedWithValidCertificate: number
}
