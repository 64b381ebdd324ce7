import { AlloyDBError } from '../../../../packages/core/src/alloydb-error.ts'
import type { ConnectionInfo } from '../../../../packages/core/src/connection-info.ts'
import { RateLimiter } from '../../../../packages/core/src/rate-limiter.ts'
import { RefreshAheadCache } from '../../../../packages/core/src/refresh-ahead-cache.ts'
import { refreshBurst, refreshIntervalMs } from '../../../../packages/core/src/connection-info-caches.ts'
import { FakeClock } from '../fleet/fake-clock.ts'
import type { Fleet, FleetReport } from '../fleet/fleet.ts'
import { SimulatedAdminApi } from '../fleet/simulated-admin-api.ts'
import { serve } from '../program.ts'
import { seededRandom } from '../statistics.ts'

/** Lets a fleet live through its day, with core's real schedule, limiter and backoff. */
export type FleetCommands = { simulate: (fleet: Fleet) => Promise<FleetReport> }

const epoch = Date.parse('2026-01-01T00:00:00Z')
/** A deployment that starts its processes "at once" takes about this long, in seconds. */
const deploymentSeconds = 2

class SimulatedProcess {
  connections = 0
  failedBeforeFirstCertificate = 0
  failedWithExpiredCertificate = 0
  failedLongAfterOutage = 0
  failedWithValidCertificate = 0
  firstCertificateAt = Number.POSITIVE_INFINITY
  #recoveredAt = 0
  readonly #cache: RefreshAheadCache
  readonly #settledAt: number
  #expiresAt: number | undefined
  #hasFailed = false

  constructor(adminApi: SimulatedAdminApi, { outageEnd, settleMs }: Fleet) {
    this.#settledAt = epoch + outageEnd + settleMs
    this.#cache = new RefreshAheadCache({
      fetch: (signal) => this.#fetch(adminApi, signal),
      limiter: new RateLimiter(refreshBurst, refreshIntervalMs),
      publish: () => {},
    })
  }

  /** When its last failed refresh was made up for. */
  get recoveredAt(): number {
    return this.#hasFailed ? Number.POSITIVE_INFINITY : this.#recoveredAt
  }

  async connect(): Promise<void> {
    this.connections += 1
    try {
      await this.#cache.get()
    } catch {
      if (this.#expiresAt === undefined) this.failedBeforeFirstCertificate += 1
      else if (Date.now() >= this.#expiresAt) {
        this.failedWithExpiredCertificate += 1
        if (Date.now() >= this.#settledAt) this.failedLongAfterOutage += 1
      } else this.failedWithValidCertificate += 1
    }
  }

  close(): Promise<void> {
    return this.#cache.close(new AlloyDBError('ALLOYDB_CONNECTOR_CLOSED', 'The day is over.'))
  }

  async #fetch(adminApi: SimulatedAdminApi, signal: AbortSignal): Promise<ConnectionInfo> {
    try {
      const info = await adminApi.refresh(signal)
      const at = Date.now() - epoch
      if (this.#expiresAt === undefined) this.firstCertificateAt = at
      else if (this.#hasFailed) this.#recoveredAt = at
      this.#hasFailed = false
      this.#expiresAt = info.expiresAt
      return info
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }
}

async function simulate(fleet: Fleet): Promise<FleetReport> {
  const random = seededRandom(fleet.seed)
  Math.random = random
  const clock = new FakeClock(epoch)
  const adminApi = new SimulatedAdminApi(fleet, epoch)
  const processes = Array.from({ length: fleet.processes }, () => new SimulatedProcess(adminApi, fleet))
  for (const process of processes) {
    const connect = (): void => void process.connect()
    const connectRegularly = (): void => {
      connect()
      setTimeout(connectRegularly, fleet.connectIntervalMs)
    }
    // At whole seconds, which lets the simulation do many connects in one turn.
    setTimeout(connect, Math.floor(random() * deploymentSeconds) * 1_000)
    setTimeout(connectRegularly, Math.floor((random() * fleet.connectIntervalMs) / 1_000) * 1_000)
  }
  await clock.runUntil(epoch + fleet.durationMs)
  await Promise.all(processes.map((process) => process.close()))

  const sum = (count: (process: SimulatedProcess) => number): number =>
    processes.reduce((total, process) => total + count(process), 0)
  return {
    requestsPerMinute: adminApi.requestsPerMinute,
    startedAt: Math.max(...processes.map(({ firstCertificateAt }) => firstCertificateAt)),
    recoveredAt: Math.max(...processes.map(({ recoveredAt }) => recoveredAt)),
    connections: sum((process) => process.connections),
    failedBeforeFirstCertificate: sum((process) => process.failedBeforeFirstCertificate),
    failedWithExpiredCertificate: sum((process) => process.failedWithExpiredCertificate),
    failedLongAfterOutage: sum((process) => process.failedLongAfterOutage),
    failedWithValidCertificate: sum((process) => process.failedWithValidCertificate),
  }
}

serve({ simulate } satisfies FleetCommands)
