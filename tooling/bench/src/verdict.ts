import type { Bar, Figure } from './metric.ts'

/** Where the control has to be for a run to say something. */
const controlRange = { low: 0.95, high: 1.05 } as const

/** What a figure says: a run whose control differs from itself says nothing. */
export type Verdict = 'met' | 'missed' | 'void' | 'no bar'

/** Holds a figure against its bar and its control. */
export function judge({ value, bar, control }: Pick<Figure, 'value' | 'bar' | 'control'>): Verdict {
  const isSteady = control === undefined || (control >= controlRange.low && control <= controlRange.high)
  if (!isSteady) return 'void'
  if (bar === undefined) return 'no bar'
  const isMet = 'atMost' in bar ? value.median <= bar.atMost : value.median >= bar.atLeast
  return isMet ? 'met' : 'missed'
}

/** Writes a bar as it is read: `≤ 1.05`. */
export function describeBar(bar: Bar | undefined): string {
  if (bar === undefined) return ''
  return 'atMost' in bar ? `≤ ${bar.atMost}` : `≥ ${bar.atLeast}`
}
