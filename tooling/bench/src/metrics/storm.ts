import { ChildProgram } from '../child-program.ts'
import { again, runInterleaved, type Variant } from '../comparison.ts'
import { CannotMeasure, type Metric } from '../metric.ts'
import type { Storm, StormClientCommands, StormReport } from '../programs/storm-client.ts'
import { quantile, ratios, summarize } from '../statistics.ts'

const limited = 'connector'
const limitedAgain = again(limited)
const unlimited = 'connector, no handshake limit'
const byHand = 'by hand'

/** A thousand connects at once: what else is due in the process has to wait for the event loop. */
export const storm: Metric = {
  names: ['storm_1000_connect'],
  title: '1,000 connects at once: event-loop delay, 99th percentile',
  async measure({ quick, backend, signal }) {
    const { program, host, instance, proxyPort } = await backend()
    const identity = await program.call('createClientIdentity')
    const connects = quick ? 100 : 1_000
    await using client = new ChildProgram<StormClientCommands>('storm-client', {
      nodeOptions: ['--expose-gc'],
    })
    const reports = new Map<string, StormReport[]>()
    const variant = (name: string, method: Storm['method']): Variant => ({
      name,
      measure: async (): Promise<number> => {
        const report = await client.call('storm', { host, instance, proxyPort, identity, connects, method })
        reports.set(name, [...(reports.get(name) ?? []), report])
        if (report.failed > 0) throw new CannotMeasure(`${report.failed} of ${connects} connects failed.`)
        return report.p99Ms
      },
    })
    const variants = [
      variant(limited, 'connector'),
      variant(limitedAgain, 'connector'),
      variant(unlimited, unlimited),
      variant(byHand, byHand),
    ]
    const delays = await runInterleaved(variants, { rounds: quick ? 1 : 12 }, signal)
    const totals = (name: string): number[] =>
      (reports.get(name) ?? []).slice(-(delays.get(name)?.length ?? 0)).map(({ totalMs }) => totalMs)
    const of = (name: string): readonly number[] => delays.get(name) ?? []
    // The figure is a median of some storms, not of hundreds of blocks: so is its control.
    const control = quantile(of(limitedAgain), 0.5) / quantile(of(limited), 0.5)
    const totalControl = quantile(totals(limitedAgain), 0.5) / quantile(totals(limited), 0.5)
    const name = 'storm_1000_connect'
    return {
      figures: [
        {
          name,
          case: 'p99 delay',
          against: `event-loop delay while ${connects} connects run; all succeeded`,
          unit: 'ms',
          value: summarize([...of(limited), ...of(limitedAgain)]),
          control,
          bar: { atMost: 40 },
        },
        {
          name,
          case: 'p99 delay vs no limit',
          against: `tls.connect by hand, all at once: ${quantile(of(byHand), 0.5).toFixed(0)} ms`,
          unit: 'ratio',
          value: summarize(ratios(of(limited), of(byHand))),
          control,
          bar: { atMost: 0.1 },
        },
        {
          name,
          case: 'p99 delay vs no handshake limit',
          // Its dials begin one after the other all the same, which is the better part of it.
          against: `the connector with maxConcurrentHandshakes: ${connects}: ${quantile(of(unlimited), 0.5).toFixed(0)} ms`,
          unit: 'ratio',
          value: summarize(ratios(of(limited), of(unlimited))),
          control,
        },
        {
          name,
          case: 'total time',
          against: 'until the last connect is done',
          unit: 'ms',
          value: summarize([...totals(limited), ...totals(limitedAgain)]),
          control: totalControl,
        },
        {
          name,
          case: 'total time vs no limit',
          against: `tls.connect by hand, all at once: ${quantile(totals(byHand), 0.5).toFixed(0)} ms`,
          unit: 'ratio',
          value: summarize(ratios(totals(limited), totals(byHand))),
          control: totalControl,
        },
      ],
      plot: { kind: 'strips', unit: 'ms', rows: [...delays].map(([label, values]) => ({ label, values })) },
    }
  },
}
