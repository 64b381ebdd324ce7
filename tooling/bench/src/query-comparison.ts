import { ChildProgram } from './child-program.ts'
import { again, compare, runInterleaved, withControl } from './comparison.ts'
import type { Route } from './drivers/driver.ts'
import type { Bar, Bench, Figure, Outcome } from './metric.ts'
import type { StripRow } from './plot.ts'
import type { DriverName, QueryClientCommands, Work } from './programs/query-client.ts'
import type { Summary } from './statistics.ts'

const sets = 20
const roundsPerSet = 3

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
  const setup = { driver, routes: ['connector', reference] as const, targets }

  const samples = new Map<Work, Map<string, number[]>>(works.map((work) => [work, new Map()]))
  // One connection may be luckier than another for all its life, so each set of them does a part of the rounds.
  for (let set = 0; set < (quick ? 1 : sets); set += 1) {
    await client.call('open', setup)
    for (const work of works) {
      const variants = setup.routes.map((route) => ({
        name: route,
        measure: () => client.call('run', { route, work }),
      }))
      const rounds = quick ? { rounds: 4, warmUpRounds: 1 } : { rounds: roundsPerSet, warmUpRounds: 1 }
      const found = await runInterleaved(withControl(variants, reference), rounds, signal)
      const all = samples.get(work)
      for (const [name, values] of found) all?.set(name, [...(all.get(name) ?? []), ...values])
    }
    await client.call('close')
  }

  const figures: Figure[] = []
  const rows: StripRow[] = []
  for (const [work, found] of samples) {
    figures.push({
      name,
      case: work,
      against,
      unit: 'ratio',
      value: invert(compare(found, 'connector', reference)),
      control: compare(found, again(reference), reference).median,
      bar,
    })
    for (const [label, values] of found) rows.push({ label: `${work}: ${label}`, values })
  }
  return { figures, plot: { kind: 'strips', unit: 'ms', rows } }
}

/** Turns a ratio of times into one of throughputs. */
function invert({ median, low, high }: Summary): Summary {
  return { median: 1 / median, low: 1 / high, high: 1 / low }
}
