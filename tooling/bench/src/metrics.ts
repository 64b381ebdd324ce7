import type { Metric } from './metric.ts'
import { coldStart } from './metrics/cold-start.ts'
import { fleet } from './metrics/fleet.ts'
import { importTime } from './metrics/import.ts'
import { installedPackages, installedSize } from './metrics/install.ts'
import { queryLocalProxy } from './metrics/query-local-proxy.ts'
import { queryPg } from './metrics/query-pg.ts'
import { queryPostgresJs } from './metrics/query-postgres-js.ts'
import { refreshGrowth } from './metrics/refresh-growth.ts'
import { roundTrips } from './metrics/round-trips.ts'
import { rssPerConnection } from './metrics/rss-per-connection.ts'
import { storm } from './metrics/storm.ts'
import { warmConnect } from './metrics/warm-connect.ts'

/** All metrics, in the order in which they run. */
export const metrics: readonly Metric[] = [
  warmConnect,
  coldStart,
  queryPg,
  queryPostgresJs,
  queryLocalProxy,
  storm,
  rssPerConnection,
  importTime,
  installedPackages,
  installedSize,
  refreshGrowth,
  roundTrips,
  fleet,
]
