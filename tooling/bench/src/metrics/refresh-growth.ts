import { ChildProgram } from '../child-program.ts'
import type { Metric } from '../metric.ts'
import type { RefreshClientCommands } from '../programs/refresh-client.ts'
import { exactly } from '../statistics.ts'

/** The resident memory of a process that refreshes ten thousand times: more than a year's worth. */
export const refreshGrowth: Metric = {
  names: ['refresh_10000_growth_mb'],
  title: 'Resident memory over refreshes',
  async measure({ quick, backend, signal }) {
    const { host, instance } = await backend()
    await using client = new ChildProgram<RefreshClientCommands>('refresh-client', {
      nodeOptions: ['--expose-gc'],
    })
    await client.call('open', { host, instance })
    const step = quick ? 50 : 500
    const warmUp = quick ? 100 : 2_000
    const count = quick ? 300 : 10_000
    const points: { x: number; y: number }[] = []
    for (let done = step; done <= warmUp + count; done += step) {
      signal.throwIfAborted()
      points.push({ x: done, y: (await client.call('refresh', step)) / 1e6 })
    }
    const before = points.find(({ x }) => x >= warmUp)?.y ?? 0
    const after = points.at(-1)?.y ?? 0
    return {
      figures: [
        {
          name: 'refresh_10000_growth_mb',
          against: `resident set after ${warmUp + count} refreshes, less that after ${warmUp}; garbage collected`,
          unit: 'MB',
          value: exactly(after - before),
          bar: { atMost: 5 },
        },
      ],
      plot: { kind: 'line', unit: 'MB', xLabel: 'refreshes', lines: [{ label: 'resident set', points }] },
    }
  },
}
