import { ChildProgram } from '../child-program.ts'
import { again, compare, runInterleaved, withControl } from '../comparison.ts'
import type { Metric } from '../metric.ts'
import type { IdleClientCommands } from '../programs/idle-client.ts'
import { summarize } from '../statistics.ts'

const variant = 'idle connection'

/** What idle connections hold of a client's memory, each time in a new process. */
export const rssPerConnection: Metric = {
  names: ['rss_per_connection_kb'],
  title: 'Resident memory for each of 1,000 idle connections',
  async measure({ quick, backend, signal }) {
    const { host, instance } = await backend()
    const count = quick ? 200 : 1_000
    const measure = async (): Promise<number> => {
      await using client = new ChildProgram<IdleClientCommands>('idle-client', {
        nodeOptions: ['--expose-gc'],
      })
      return (await client.call('open', { host, instance, count, atOnce: 20 })) / count / 1_000
    }
    const rounds = quick ? { rounds: 1, warmUpRounds: 0 } : { rounds: 5 }
    const samples = await runInterleaved(withControl([{ name: variant, measure }], variant), rounds, signal)
    return {
      figures: [
        {
          name: 'rss_per_connection_kb',
          against: `growth of the resident set over ${count} connections, opened 20 at a time, garbage collected`,
          unit: 'KB',
          value: summarize([...samples.values()].flat()),
          control: compare(samples, again(variant), variant).median,
          bar: { atMost: 100 },
        },
      ],
      plot: { kind: 'strips', unit: 'KB', rows: [...samples].map(([label, values]) => ({ label, values })) },
    }
  },
}
