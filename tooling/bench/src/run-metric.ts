import type { Bench, Metric, Outcome } from './metric.ts'
import { judge } from './verdict.ts'

/** How often a measurement is made at most whose control says that it means nothing. */
const mostAttempts = 3

/**
 * Measures a metric; again, where a control shows that the machine was busy with something else.
 *
 * @param onVoid told of each attempt that is thrown away
 */
export function runMetric(metric: Metric, bench: Bench, onVoid: () => void): Promise<Outcome> {
  return measureUntilSteady(() => metric.measure(bench), bench, onVoid)
}

/** The same for a part of a metric, which is quicker to measure again than all of it. */
export async function measureUntilSteady<T extends Pick<Outcome, 'figures'>>(
  measure: () => Promise<T>,
  { quick }: Pick<Bench, 'quick'>,
  onVoid: () => void = () => {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await measure()
    const isVoid = outcome.figures.some((figure) => judge(figure) === 'void')
    // A trial of the harness is too short for its control to mean anything.
    if (!isVoid || quick || attempt === mostAttempts) return outcome
    onVoid()
  }
}
