import { ChildProgram } from '../child-program.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Figure, Metric } from '../metric.ts'
import type { FleetCommands } from '../programs/fleet.ts'
import { exactly } from '../statistics.ts'

const name = 'fleet_admin_calls'
const minuteMs = 60_000
/** In these, a deployment may be over its quota. */
const startMinutes = 10
/** After these, the outage is to have left no trace. */
const settleMinutes = 15
/** In these, those whom the outage has kept waiting may be over the quota. */
const recoveryMinutes = 5

/** How evenly a fleet asks the Admin API, on a fake clock. Counted, and the same in each run. */
export const fleet: Metric = {
  names: [name],
  title: 'Requests to the Admin API, by 2,000 processes',
  async measure({ quick }) {
    await using program = new ChildProgram<FleetCommands>('fleet')
    const simulated = describeFleet(quick ? 3 : 24)
    const report = await program.call('simulate', simulated)
    const minutes = report.requestsPerMinute
    const outage = { from: simulated.outageStart / minuteMs, to: simulated.outageEnd / minuteMs }
    const before = minutes.slice(startMinutes, outage.from)
    const during = minutes.slice(outage.from, outage.to + settleMinutes)
    const after = minutes.slice(outage.to + settleMinutes)
    const overQuota = minutes.filter(
      (requests, minute) =>
        requests > simulated.quotaPerMinute &&
        minute >= startMinutes &&
        !(minute >= outage.to && minute < outage.to + recoveryMinutes),
    )
    const failedForGoodReason = report.failedBeforeFirstCertificate + report.failedWithExpiredCertificate
    const perProcessAndHour = (mean(before) * 60) / simulated.processes
    const figures: Figure[] = [
      {
        name,
        case: 'requests of a process in an hour',
        against: 'once started, before the outage; two for each refresh',
        unit: 'requests',
        value: exactly(perProcessAndHour),
        bar: { atMost: 4 },
      },
      {
        name,
        case: 'busiest minute once started',
        against: `mean of ${mean(before).toFixed(0)} requests a minute`,
        unit: 'ratio',
        value: exactly(Math.max(...before) / mean(before)),
        bar: { atMost: 2 },
      },
      {
        name,
        case: 'busiest minute after the outage',
        against: `mean of ${mean(after).toFixed(0)} requests a minute, from ${settleMinutes} minutes after it`,
        unit: 'ratio',
        value: exactly(Math.max(...after) / mean(after)),
        bar: { atMost: 2 },
      },
      {
        name,
        case: 'busiest minute in the outage',
        against: `and ${settleMinutes} minutes after it; mean of ${mean(before).toFixed(0)} before it`,
        unit: 'ratio',
        value: exactly(Math.max(...during) / mean(before)),
      },
      {
        name,
        case: 'minutes over the quota',
        against: `${simulated.quotaPerMinute} a minute, but for the first ${startMinutes} and ${recoveryMinutes} after the outage`,
        unit: 'minutes',
        value: exactly(overQuota.length),
        bar: { atMost: 0 },
      },
      {
        name,
        case: 'failed with a valid certificate',
        against: `${report.connections} connections`,
        unit: 'connections',
        value: exactly(report.failedWithValidCertificate),
        bar: { atMost: 0 },
      },
      {
        name,
        case: 'failed long after the outage',
        against: `more than ${settleMinutes} minutes after it, with an expired certificate`,
        unit: 'connections',
        value: exactly(report.failedLongAfterOutage),
        bar: { atMost: 0 },
      },
      {
        name,
        case: 'failed without a valid certificate',
        against: `${report.failedBeforeFirstCertificate} before the first, ${report.failedWithExpiredCertificate} after one had expired`,
        unit: 'connections',
        value: exactly(failedForGoodReason),
      },
      {
        name,
        case: 'until all have started',
        against: `${Math.ceil((2 * simulated.processes) / simulated.quotaPerMinute)} minutes is what the quota allows`,
        unit: 'seconds',
        value: exactly(report.startedAt / 1_000),
      },
      {
        name,
        case: 'until all have recovered',
        against: 'counted from the end of the outage',
        unit: 'seconds',
        value: exactly((report.recoveredAt - simulated.outageEnd) / 1_000),
        bar: { atMost: settleMinutes * 60 },
      },
    ]
    const points = minutes.map((requests, minute) => ({ x: minute / 60, y: requests }))
    return {
      figures,
      plot: {
        kind: 'line',
        unit: 'requests a minute',
        xLabel: 'hours',
        yMax: 1.5 * simulated.quotaPerMinute,
        lines: [{ label: 'requests', points }],
        marks: [{ y: simulated.quotaPerMinute, label: 'quota' }],
      },
    }
  },
}

function describeFleet(hours: number): Fleet {
  const durationMs = hours * 60 * minuteMs
  return {
    processes: 2_000,
    durationMs,
    certificateLifetimeMs: 60 * minuteMs,
    quotaPerMinute: 1_000,
    outageStart: durationMs / 2,
    outageEnd: durationMs / 2 + 10 * minuteMs,
    settleMs: settleMinutes * minuteMs,
    connectIntervalMs: 2 * minuteMs,
    seed: 1,
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
