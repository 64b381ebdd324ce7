import type { Metric } from '../metric.ts'
import { compareQueries } from '../query-comparison.ts'

/** node-postgres on the connector's socket, and on its own TLS. */
export const queryPg: Metric = {
  names: ['query_pg_vs_driver_tls'],
  title: 'node-postgres, a block of work',
  async measure(bench) {
    const { driverPort: port } = await bench.backend()
    const against = "throughput with node-postgres's own TLS to the same server"
    return await compareQueries(
      {
        name: 'query_pg_vs_driver_tls',
        driver: 'pg',
        references: [{ route: "driver's own TLS", port, against }],
        works: ['select 1 on 1', 'select 1 on 10', '4 MB result', 'COPY in'],
        bar: { atLeast: 0.97 },
      },
      bench,
    )
  },
}
