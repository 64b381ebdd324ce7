import type { Figure } from './metric.ts'
import { describeBar, judge } from './verdict.ts'
import { summarizeMachine, type Machine } from './machine.ts'

/** Everything that a run gave. */
export interface Report {
  readonly machine: Machine
  /** Whether it was a trial of the harness alone. */
  readonly quick: boolean
  readonly startedAt: Date
  readonly figures: readonly Figure[]
}

/** Writes one figure as a line of the table; {@link tableHeader} stands above it. */
export function describeFigure(figure: Figure): string {
  const { name, case: part, value, unit, bar, control, against } = figure
  const range = value.low === value.high ? '' : `${format(value.low)}–${format(value.high)}`
  return row([
    part === undefined ? name : `${name}: ${part}`,
    `${format(value.median)}${unit === 'ratio' ? '' : ` ${unit}`}`,
    range,
    describeBar(bar),
    control === undefined ? '' : control.toFixed(3),
    judge(figure),
    against,
  ])
}

/** What stands above the lines of {@link describeFigure}. */
export function tableHeader(): string {
  return row(['metric', 'median', 'quartiles', 'bar', 'control', 'verdict', 'against'])
}

/** Writes all figures as JSON: name, median, spread, control, bar, verdict. */
export function toJson({ machine, quick, startedAt, figures }: Report): string {
  const metrics = figures.map((figure) => ({
    name: figure.name,
    ...(figure.case !== undefined && { case: figure.case }),
    median: figure.value.median,
    spread: { low: figure.value.low, high: figure.value.high },
    unit: figure.unit,
    control: figure.control ?? null,
    bar: figure.bar ?? null,
    verdict: judge(figure),
    against: figure.against,
  }))
  return `${JSON.stringify({ startedAt: startedAt.toISOString(), quick, machine, metrics }, undefined, 2)}\n`
}

/** The results as a table for a README. */
export function toMarkdown({ machine, startedAt, figures }: Report): string {
  const lines = figures.map((figure) => {
    const { name, case: part, value, unit, bar, control, against } = figure
    const number = `${format(value.median)}${unit === 'ratio' ? '' : ` ${unit}`}`
    return `| \`${name}\`${part === undefined ? '' : `, ${part}`} | ${against} | ${number} | ${describeBar(bar)} | ${control?.toFixed(3) ?? ''} | ${judge(figure)} |`
  })
  return [
    `Measured on ${startedAt.toISOString().slice(0, 10)}: ${summarizeMachine(machine)}.`,
    '',
    '| metric | against | median | bar | control | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n')
}

const columnWidths = [56, 18, 16, 8, 8, 8]

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(columnWidths[index] ?? 0))
    .join(' ')
    .trimEnd()
}

function format(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
