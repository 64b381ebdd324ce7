import { ChildProgram } from '../child-program.ts'
import type { Metric } from '../metric.ts'
import type { CountingRelayCommands } from '../programs/counting-relay.ts'
import type { FirstQueryCommands } from '../programs/first-query.ts'
import { exactly } from '../statistics.ts'

/** TCP, TLS, exchange, startup, query. */
const protocolsOwn = 5
const delayMs = 20

/** How often a new connection has to wait for the server until its first query is answered. Counted, not timed. */
export const roundTrips: Metric = {
  names: ['round_trips_to_first_query'],
  title: 'Round trips until the first query is answered',
  async measure({ backend }) {
    const { program, host, instance, proxyPort } = await backend()
    const login = await program.call('openDatabase')
    await using relay = new ChildProgram<CountingRelayCommands>('counting-relay')
    const relayPort = await relay.call('open', { port: proxyPort, delayMs })
    await using client = new ChildProgram<FirstQueryCommands>('first-query')
    await client.call('run', { host, instance, relayPort, proxyPort, ...login })
    const count = await relay.call('count')
    return {
      figures: [
        {
          name: 'round_trips_to_first_query',
          against:
            'TCP, TLS, exchange, startup, query: what the protocol takes where PostgreSQL asks for no password',
          unit: 'round trips',
          value: exactly(count),
          bar: { atMost: protocolsOwn },
        },
      ],
      plot: { kind: 'strips', unit: 'round trips', rows: [{ label: '@alloydb/pg', values: [count] }] },
    }
  },
}
