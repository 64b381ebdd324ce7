import type { Metric } from '../metric.ts'
import { compareQueries } from '../query-comparison.ts'

/** postgres.js on the connector's socket, and on its own TLS. */
export const queryPostgresJs: Metric = {
  names: ['query_postgres_js_vs_driver_tls'],
  title: 'postgres.js, a block of work',
  measure: (bench) =>
    compareQueries(
      {
        name: 'query_postgres_js_vs_driver_tls',
        driver: 'postgres.js',
        reference: "driver's own TLS",
        works: ['select 1 on 1', 'select 1 on 10', '4 MB result', 'COPY in'],
        against: "throughput with postgres.js's own TLS to the same server",
        bar: { atLeast: 0.97 },
      },
      bench,
    ),
}
