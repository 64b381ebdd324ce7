import { ChildProgram } from './child-program.ts'
import { again, compare, runInterleaved, withControl } from './comparison.ts'
import type { Route } from './drivers/driver.ts'
import type { Bar, Bench, Figure, Outcome } from './metric.ts'
import type { StripRow } from './plot.ts'
import type { DriverName, QueryClientCommands, Work } from './programs/query-client.ts'
import type { Summary } from './statistics.ts'

/** What is compared, and under which name. */
export interface QueryComparison {
  readonly name: string
  readonly driver: DriverName
  readonly reference: Exclude<Route, 'connector'>
  readonly works: readonly Work[]
  readonly against: string
  readonly bar: Bar
  readonly localProxyPort?: number
}

/** Compares a driver's throughput through the connector with that on another way to the same PostgreSQL. */
export async function compareQueries(
  { name, driver, reference, works, against, bar, localProxyPort }: QueryComparison,
  { quick, backend, signal }: Bench,
): Promise<Outcome> {
  const { program, host, instance, driverPort } = await backend()
  const login = await program.call('openDatabase')
  const identity = await program.call('createClientIdentity')
  await using client = new ChildProgram<QueryClientCommands>('query-client')
  const targets = {
    host,
    instance,
    driverPort,
    identity,
    ...login,
    ...(localProxyPort && { localProxyPort }),
  }
  await client.call('open', { driver, routes: ['connector', reference], targets })

  const figures: Figure[] = []
  const rows: StripRow[] = []
  for (const work of works) {
    const variants = (['connector', reference] as const).map((route) => ({
      name: route,
      measure: () => client.call('run', { route, work }),
    }))
    const rounds = quick ? { rounds: 4, warmUpRounds: 1 } : { rounds: 80, warmUpRounds: 8 }
    const samples = await runInterleaved(withControl(variants, reference), rounds, signal)
    figures.push({
      name,
      case: work,
      against,
      unit: 'ratio',
      value: invert(compare(samples, 'connector', reference)),
      control: compare(samples, again(reference), reference).median,
      bar,
    })
    for (const [label, values] of samples) rows.push({ label: `${work}: ${label}`, values })
  }
  await client.call('close')
  return { figures, plot: { kind: 'strips', unit: 'ms', rows } }
}

/** Turns a ratio of times into one of throughputs. */
function invert({ median, low, high }: Summary): Summary {
  return { median: 1 / median, low: 1 / high, high: 1 / low }
}
