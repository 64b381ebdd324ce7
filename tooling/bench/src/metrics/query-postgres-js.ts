import type { Metric } from '../metric.ts'
import { compareQueries } from '../query-comparison.ts'

/** postgres.js on the connector's socket, and on its own TLS. */
export const queryPostgresJs: Metric = {
  names: ['query_postgres_js_vs_driver_tls'],
  title: 'postgres.js, a block of work',
  async measure(bench) {
    const { driverPort: port } = await bench.backend()
    const against = "throughput with postgres.js's own TLS to the same server"
    return await compareQueries(
      {
        name: 'query_postgres_js_vs_driver_tls',
        driver: 'postgres.js',
        references: [{ route: "driver's own TLS", port, against }],
        works: ['select 1 on 1', 'select 1 on 10', '4 MB result', 'COPY in'],
        bar: { atLeast: 0.97 },
      },
      bench,
    )
  },
}
