import { AlloyDBError } from '../../../../packages/core/src/alloydb-error.ts'
import { sleep } from '../../../../packages/core/src/abortable.ts'
import type { ConnectionInfo } from '../../../../packages/core/src/connection-info.ts'
import type { Fleet } from './fleet.ts'

const minuteMs = 60_000
const latencyMs = 150
/** A refresh asks for connection info and for a certificate, side by side. */
const requestsPerRefresh = 2

/** An Admin API with a quota and an outage, as far as a refresh can tell. */
export class SimulatedAdminApi {
  readonly requestsPerMinute: number[]
  readonly #fleet: Fleet
  readonly #epoch: number

  constructor(fleet: Fleet, epoch: number) {
    this.#fleet = fleet
    this.#epoch = epoch
    this.requestsPerMinute = Array.from({ length: Math.ceil(fleet.durationMs / minuteMs) }, () => 0)
  }

  /** Answers both requests of one refresh. */
  async refresh(signal: AbortSignal): Promise<ConnectionInfo> {
    const statuses = Array.from({ length: requestsPerRefresh }, () => this.#request())
    await sleep(latencyMs, signal)
    const failed = statuses.find((status) => status !== 200)
    if (failed !== undefined) throw new AlloyDBError('ALLOYDB_ADMIN_API_UNAVAILABLE', `HTTP ${failed}`)
    const fetchedAt = Date.now()
    // A certificate's times are whole seconds, and run from when it was made: a little less is left of it.
    const expiresAt = Math.floor((fetchedAt - latencyMs) / 1_000) * 1_000 + this.#fleet.certificateLifetimeMs
    // Nobody dials with it: what is simulated ends where the certificate is given out.
    return { fetchedAt, expiresAt } as ConnectionInfo
  }

  #request(): number {
    const at = Date.now() - this.#epoch
    const minute = Math.floor(at / minuteMs)
    const count = (this.requestsPerMinute[minute] ?? 0) + 1
    this.requestsPerMinute[minute] = count
    if (at >= this.#fleet.outageStart && at < this.#fleet.outageEnd) return 503
    return count > this.#fleet.quotaPerMinute ? 429 : 200
  }
}
