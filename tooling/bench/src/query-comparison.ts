import { ChildProgram } from './child-program.ts'
import { again, compare, runInterleaved, withControl } from './comparison.ts'
import type { PortRoute, Route } from './drivers/driver.ts'
import type { Bar, Bench, Figure, Outcome } from './metric.ts'
import type { StripRow } from './plot.ts'
import type { DriverName, QueryClientCommands, Work } from './programs/query-client.ts'
import type { Summary } from './statistics.ts'

// A block takes some tens of milliseconds, of which the machine's mood moves single ones by a fifth: the median of this many is
// known to a hundredth.
const sets = 40
const roundsPerSet = 8

/** What is compared, and under which name. */
export interface QueryComparison {
  readonly name: string
  readonly driver: DriverName
  /** The first of them is measured twice, as the control. */
  readonly references: readonly [Reference, ...Reference[]]
  readonly works: readonly Work[]
  readonly bar: Bar
}

/** Another way to the same PostgreSQL. */
export interface Reference {
  readonly route: PortRoute
  readonly port: number
  readonly against: string
}

/** Compares a driver's throughput through the connector with that on other ways to the same PostgreSQL. */
export async function compareQueries(
  { name, driver, references, works, bar }: QueryComparison,
  { quick, backend, signal }: Bench,
): Promise<Outcome> {
  const { program, host, instance } = await backend()
  const login = await program.call('openDatabase')
  const identity = await program.call('createClientIdentity')
  await using client = new ChildProgram<QueryClientCommands>('query-client')
  const targets = {
    host,
    instance,
    ports: Object.fromEntries(references.map(({ route, port }) => [route, port])),
    identity,
    ...login,
  }
  const routes: Route[] = ['connector', ...references.map(({ route }) => route)]
  const setup = { driver, routes, targets }
  const control = references[0].route

  const samples = new Map<Work, Map<string, number[]>>(works.map((work) => [work, new Map()]))
  // One connection may be luckier than another for all its life, so each set of them does a part of the rounds.
  for (let set = 0; set < (quick ? 1 : sets); set += 1) {
    await client.call('open', setup)
    for (const work of works) {
      const variants = routes.map((route) => ({
        name: route,
        measure: () => client.call('run', { route, work }),
      }))
      const rounds = quick ? { rounds: 4, warmUpRounds: 1 } : { rounds: roundsPerSet, warmUpRounds: 1 }
      const found = await runInterleaved(withControl(variants, control), rounds, signal)
      const all = samples.get(work)
      for (const [name, values] of found) all?.set(name, [...(all.get(name) ?? []), ...values])
    }
    await client.call('close')
  }

  const figures: Figure[] = []
  const rows: StripRow[] = []
  for (const [work, found] of samples) {
    for (const { route, against } of references) {
      figures.push({
        name,
        case: route === control ? work : `${work}, ${route}`,
        against,
        unit: 'ratio',
        value: invert(compare(found, 'connector', route)),
        control: compare(found, again(control), control).median,
        bar,
      })
    }
    for (const [label, values] of found) rows.push({ label: `${work}: ${label}`, values })
  }
  return { figures, plot: { kind: 'strips', unit: 'ms', rows } }
}

/** Turns a ratio of times into one of throughputs. */
function invert({ median, low, high }: Summary): Summary {
  return { median: 1 / median, low: 1 / high, high: 1 / low }
}
