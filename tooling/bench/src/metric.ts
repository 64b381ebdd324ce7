import type { Backend } from './backend/backend.ts'
import type { Plot } from './plot.ts'
import type { Summary } from './statistics.ts'

/** The limit that a figure is to keep. */
export type Bar = { readonly atMost: number } | { readonly atLeast: number }

/** One number that was measured. */
export interface Figure {
  /** The metric's name, as in the JSON. */
  readonly name: string
  /** Which of several numbers under that name it is. */
  readonly case?: string
  /** What it is compared with, or how it was counted. */
  readonly against: string
  readonly unit:
    | 'ratio'
    | 'ms'
    | 'KB'
    | 'MB'
    | 'packages'
    | 'requests'
    | 'round trips'
    | 'connections'
    | 'minutes'
    | 'seconds'
  readonly value: Summary
  /** The same variant against itself, which should give 1. Nothing where a number is counted and not measured. */
  readonly control?: number | undefined
  readonly bar?: Bar | undefined
}

/** What came of measuring a metric. */
export interface Outcome {
  readonly figures: readonly Figure[]
  readonly plot: Plot
}

/** What a metric measures with. */
export interface Bench {
  /** Whether only the harness is being tried: a few rounds of each. */
  readonly quick: boolean
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal
  /** The servers, in a process of their own; started when first asked for. */
  readonly backend: () => Promise<Backend>
}

/** A metric, or several that one measurement gives. */
export interface Metric {
  /** The names of its figures. */
  readonly names: readonly [string, ...string[]]
  /** The title of its plot. */
  readonly title: string
  readonly measure: (bench: Bench) => Promise<Outcome>
}

/** Something is missing that the metric cannot be measured without; the run goes on without it. */
export class CannotMeasure extends Error {}
