import { quantile } from './statistics.ts'

/** One row of dots. */
export interface StripRow {
  readonly label: string
  readonly values: readonly number[]
}

/** One dot for each sample, in a row for each variant, with the median marked. */
interface StripPlot {
  readonly kind: 'strips'
  readonly unit: string
  readonly rows: readonly StripRow[]
}

/** A quantity over another. */
interface LinePlot {
  readonly kind: 'line'
  readonly unit: string
  readonly xLabel: string
  readonly lines: readonly { readonly label: string; readonly points: readonly { x: number; y: number }[] }[]
  /** Where the picture ends; what is higher is cut off. Defaults to the highest point. */
  readonly yMax?: number
  /** Lines across the picture. */
  readonly marks?: readonly { readonly y: number; readonly label: string }[]
}

/** What a picture shows. */
export type Plot = StripPlot | LinePlot

/** What stands above and below it. */
export interface Caption {
  readonly title: string
  readonly footnote: string
}

const width = 800
const margin = { left: 12, right: 24, top: 44, bottom: 58 }
const labelWidth = 300
const rowHeight = 26
const lineHeight = 220

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 10.5px; fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .dot { fill: #0969da; fill-opacity: 0.35 }
  .median { stroke: #cf222e; stroke-width: 2 }
  .line { fill: none; stroke: #0969da; stroke-width: 1.2 }
  .mark { stroke: #cf222e; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .dot { fill: #4493f8 }
    .median, .mark { stroke: #f85149 }
    .line { stroke: #4493f8 }
  }`

/** Draws a plot as an SVG that is legible on light and on dark pages. */
export function renderPlot(plot: Plot, { title, footnote }: Caption): string {
  const { body, height } = plot.kind === 'strips' ? renderStrips(plot) : renderLines(plot)
  const fullHeight = margin.top + height + margin.bottom
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${fullHeight}" role="img" aria-label="${escape(title)}">
<style>${style}
</style>
<text class="title" x="${margin.left}" y="24">${escape(title)} (${escape(plot.unit)})</text>
${body.join('\n')}
<text class="small" x="${margin.left}" y="${fullHeight - 10}">${escape(footnote)}</text>
</svg>
`
}

function renderStrips({ rows }: StripPlot): { body: string[]; height: number } {
  const height = rows.length * rowHeight
  // A few samples that something else has delayed must not press all others together.
  const highest = Math.max(...rows.map(({ values }) => 1.15 * quantile(values, 0.95)))
  const left = margin.left + labelWidth
  const axis = createAxis(highest, left, width - margin.right)
  const body = renderGrid(axis, height)
  for (const [index, { label, values }] of rows.entries()) {
    const middle = margin.top + (index + 0.5) * rowHeight
    const median = quantile(values, 0.5)
    const at = axis.place(median)
    body.push(
      `<text x="${left - 10}" y="${middle + 4}" text-anchor="end">${escape(label)}: ${format(median)}</text>`,
    )
    for (const [sample, value] of values.entries()) {
      const y = middle + (((sample * 7) % 11) - 5) * 1.2
      if (value <= axis.max)
        body.push(`<circle class="dot" cx="${axis.place(value)}" cy="${y.toFixed(1)}" r="2.2"/>`)
    }
    body.push(`<line class="median" x1="${at}" x2="${at}" y1="${middle - 10}" y2="${middle + 10}"/>`)
  }
  return { body, height }
}

function renderLines({ lines, xLabel, yMax, marks = [] }: LinePlot): { body: string[]; height: number } {
  const points = lines.flatMap((line) => line.points)
  const left = margin.left + 60
  const xAxis = createAxis(Math.max(...points.map(({ x }) => x)), left, width - margin.right)
  const yAxis = createAxis(yMax ?? 1.1 * Math.max(...points.map(({ y }) => y)), lineHeight, 0)
  const place = (value: number): string =>
    (margin.top + Number(yAxis.place(Math.min(value, yAxis.max)))).toFixed(1)
  const body = renderGrid(xAxis, lineHeight)
  body.push(
    `<text class="small" x="${width - margin.right}" y="${margin.top + lineHeight + 32}" text-anchor="end">${escape(xLabel)}</text>`,
  )
  for (const tick of yAxis.ticks) {
    body.push(
      `<line class="grid" x1="${left}" x2="${width - margin.right}" y1="${place(tick)}" y2="${place(tick)}"/>`,
      `<text class="small" x="${left - 6}" y="${Number(place(tick)) + 4}" text-anchor="end">${format(tick)}</text>`,
    )
  }
  for (const { y, label } of marks) {
    body.push(
      `<line class="mark" x1="${left}" x2="${width - margin.right}" y1="${place(y)}" y2="${place(y)}"/>`,
      `<text class="small" x="${width - margin.right}" y="${Number(place(y)) - 4}" text-anchor="end">${escape(label)}</text>`,
    )
  }
  for (const line of lines) {
    const path = line.points.map(({ x, y }) => `${xAxis.place(x)},${place(y)}`).join(' ')
    body.push(`<polyline class="line" points="${path}"/>`)
  }
  return { body, height: lineHeight }
}

interface Axis {
  readonly max: number
  readonly ticks: readonly number[]
  readonly place: (value: number) => string
}

/** An axis from 0 on, with ticks at round numbers. */
function createAxis(highest: number, from: number, to: number): Axis {
  const wanted = (highest || 1) / 5
  const power = 10 ** Math.floor(Math.log10(wanted))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10) * power
  const count = Math.ceil(highest / step) || 1
  const max = count * step
  return {
    max,
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
    place: (value) => (from + (value / max) * (to - from)).toFixed(1),
  }
}

function renderGrid({ ticks, place }: Axis, height: number): string[] {
  const bottom = margin.top + height
  return ticks.flatMap((tick) => [
    `<line class="grid" x1="${place(tick)}" x2="${place(tick)}" y1="${margin.top}" y2="${bottom}"/>`,
    `<text class="small" x="${place(tick)}" y="${bottom + 16}" text-anchor="middle">${format(tick)}</text>`,
  ])
}

function format(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
