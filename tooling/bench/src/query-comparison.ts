import { ChildProgram } from './child-program.ts'
import { again, compare, runInterleaved } from './comparison.ts'
import type { PortRoute } from './drivers/driver.ts'
import type { Bar, Bench, Figure, Outcome } from './metric.ts'
import type { StripRow } from './plot.ts'
import type { Contender, DriverName, QueryClientCommands, Work } from './programs/query-client.ts'
import { shuffle, type Summary } from './statistics.ts'

// A block takes some tens of milliseconds, of which the machine's mood moves single ones by a fifth: the median of this many is
// known to a hundredth.
const sets = 40
const roundsPerSet = 8

/** What is compared, and under which name. */
export interface QueryComparison {
  readonly name: string
  readonly driver: DriverName
  /** Each is measured twice, as its control: on connections of its own, since those differ, too. */
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
  const contenders: Contender[] = [
    { name: 'connector', route: 'connector' },
    ...references.flatMap(({ route }) => [
      { name: route, route },
      { name: again(route), route },
    ]),
  ]

  const samples = new Map<Work, Map<string, number[]>>(works.map((work) => [work, new Map()]))
  // One connection may be luckier than another for all its life, not least the one that was opened first, so each set of them does a
  // part of the rounds.
  for (let set = 0; set < (quick ? 1 : sets); set += 1) {
    await client.call('open', { driver, contenders: shuffle(contenders), targets })
    for (const work of works) {
      const variants = contenders.map(({ name }) => ({
        name,
        measure: () => client.call('run', { name, work }),
      }))
      const rounds = quick ? { rounds: 2, warmUpRounds: 1 } : { rounds: roundsPerSet, warmUpRounds: 1 }
      const found = await runInterleaved(variants, rounds, signal)
      const all = samples.get(work)
      for (const [label, values] of found) all?.set(label, [...(all.get(label) ?? []), ...values])
    }
    await client.call('close')
  }

  const figures: Figure[] = []
  const rows: StripRow[] = []
  for (const [work, found] of samples) {
    for (const { route, against } of references) {
      figures.push({
        name,
        case: route === references[0].route ? work : `${work}, ${route}`,
        against,
        unit: 'ratio',
        value: invert(compare(found, 'connector', route)),
        control: compare(found, again(route), route).median,
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
