import { ChildProgram } from '../child-program.ts'
import { again, compare, runInterleaved, withControl } from '../comparison.ts'
import type { Metric } from '../metric.ts'
import type { ConnectClientCommands, ConnectMethod } from '../programs/connect-client.ts'

const methods: readonly ConnectMethod[] = ['connector', 'floor', 'lean', 'context per connect']

/** One connect after another, once connection info and token are there. */
export const warmConnect: Metric = {
  names: ['warm_connect_vs_floor', 'warm_connect_vs_context_per_connect'],
  title: 'One connect, with connection info and token at hand',
  async measure({ quick, backend, signal }) {
    const { program, host, proxyPort, instance } = await backend()
    const identity = await program.call('createClientIdentity')
    await using client = new ChildProgram<ConnectClientCommands>('connect-client')
    await client.call('open', { host, proxyPort, instance, identity })

    const count = 10
    const variants = methods.map((method) => ({
      name: method,
      measure: async () => (await client.call('connect', { method, count })) / count,
    }))
    const rounds = quick ? { rounds: 8, warmUpRounds: 2 } : { rounds: 250, warmUpRounds: 20 }
    const samples = await runInterleaved(withControl(variants, 'floor'), rounds, signal)
    const control = compare(samples, again('floor'), 'floor').median
    return {
      figures: [
        {
          name: 'warm_connect_vs_floor',
          against: 'tls.connect by hand with a cached context, then the exchange',
          unit: 'ratio',
          value: compare(samples, 'connector', 'floor'),
          control,
          bar: { atMost: 1.05 },
        },
        {
          name: 'warm_connect_vs_floor',
          case: 'by the same check',
          against:
            "the same by hand, with Node.js describing just the server's own certificate, as for the connector",
          unit: 'ratio',
          value: compare(samples, 'connector', 'lean'),
          control,
        },
        {
          name: 'warm_connect_vs_context_per_connect',
          against: 'the same with a context for each connection',
          unit: 'ratio',
          value: compare(samples, 'connector', 'context per connect'),
          control,
          bar: { atMost: 0.85 },
        },
      ],
      plot: { kind: 'strips', unit: 'ms', rows: [...samples].map(([label, values]) => ({ label, values })) },
    }
  },
}
