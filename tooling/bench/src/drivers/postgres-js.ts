import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { Connector } from '@alloydb/core'
import { postgresConfig } from '@alloydb/postgres-js'
import postgres from 'postgres'
import {
  copyPieces,
  copyRows,
  maxConnections,
  openAll,
  runConcurrently,
  selectRows,
  type OpenDriver,
  type Route,
  type RouteTargets,
} from './driver.ts'

/** Opens postgres.js's connections on a route. */
export async function openPostgresJs(route: Route, targets: RouteTargets): Promise<OpenDriver> {
  const { instance, identity, ports, user, database } = targets
  const connector = new Connector()
  const routes: Record<Route, object> = {
    connector: postgresConfig(connector, instance),
    "driver's own TLS": { ssl: { ...identity, minVersion: 'TLSv1.3' } },
    'local proxy': { ssl: false },
    'Auth Proxy': { ssl: false },
  }
  const address = route === 'connector' ? {} : { host: '127.0.0.1', port: ports[route] }
  const open = (max: number): postgres.Sql =>
    postgres({ ...routes[route], ...address, user, database, max, fetch_types: false, max_lifetime: null })
  const single = open(1)
  const many = open(maxConnections)
  await openAll(() => many`select pg_sleep(0.1)`)
  await single`select 1`
  return {
    async select(connections, count) {
      const sql = connections === 1 ? single : many
      await runConcurrently(connections, count, () => sql`select 1`.execute())
    },
    async readRows() {
      await single.unsafe(selectRows)
    },
    async copyIn() {
      await pipeline(Readable.from(copyPieces), await single.unsafe(copyRows).writable())
    },
    async close() {
      await Promise.all([single.end(), many.end()])
      await connector.close()
    },
  }
}
