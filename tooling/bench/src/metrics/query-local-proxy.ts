import { ChildProgram } from '../child-program.ts'
import type { Metric } from '../metric.ts'
import type { LocalProxyCommands } from '../programs/local-proxy.ts'
import { compareQueries } from '../query-comparison.ts'

/** node-postgres on the connector's socket, and through a sidecar. */
export const queryLocalProxy: Metric = {
  names: ['query_pg_vs_local_proxy'],
  title: 'node-postgres, a block of work, without and with a local proxy',
  async measure(bench) {
    const { host, instance } = await bench.backend()
    await using proxy = new ChildProgram<LocalProxyCommands>('local-proxy')
    const localProxyPort = await proxy.call('open', { host, instance })
    return await compareQueries(
      {
        name: 'query_pg_vs_local_proxy',
        driver: 'pg',
        reference: 'local proxy',
        works: ['select 1 on 1', 'select 1 on 10'],
        against: 'throughput through a local TCP proxy (in Node.js, standing in for a sidecar)',
        bar: { atLeast: 1.3 },
        localProxyPort,
      },
      bench,
    )
  },
}
