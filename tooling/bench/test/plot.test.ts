import { expect, test } from 'vitest'
import { renderPlot } from '../src/plot.ts'

const caption = { title: 'Time & <again>', footnote: 'a machine' }

test('draws a dot for each sample and the median of each row', () => {
  const svg = renderPlot(
    { kind: 'strips', unit: 'ms', rows: [{ label: 'floor', values: [1, 2, 3] }] },
    caption,
  )
  expect(svg.match(/<circle /g)).toHaveLength(3)
  expect(svg).toContain('floor: 2<')
})

test('cuts off a line at the top of the picture', () => {
  const points = [
    { x: 0, y: 10 },
    { x: 1, y: 1_000 },
  ]
  const svg = renderPlot(
    { kind: 'line', unit: 'requests', xLabel: 'hours', yMax: 100, lines: [{ label: 'a', points }] },
    caption,
  )
  expect(svg).toMatch(/<polyline class="line" points="[\d.]+,[\d.]+ [\d.]+,44.0"\/>/)
})

test('escapes what is markup', () => {
  expect(renderPlot({ kind: 'strips', unit: 'ms', rows: [] }, caption)).toContain('Time &amp; &lt;again>')
})
