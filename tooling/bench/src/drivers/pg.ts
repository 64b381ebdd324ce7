import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { Connector } from '@alloydb/core'
import { pgConfig } from '@alloydb/pg'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
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

/** Opens node-postgres's connections on a route. */
export async function openPg(route: Route, targets: RouteTargets): Promise<OpenDriver> {
  const { instance, identity, ports, user, database } = targets
  const connector = new Connector()
  const routes: Record<Route, pg.PoolConfig> = {
    connector: pgConfig(connector, instance),
    "driver's own TLS": { ssl: { ...identity, minVersion: 'TLSv1.3' } },
    'local proxy': { ssl: false },
    'Auth Proxy': { ssl: false },
  }
  const config: pg.ClientConfig = {
    ...routes[route],
    ...(route !== 'connector' && { host: '127.0.0.1', port: ports[route] }),
    user,
    database,
  }
  const pool = new pg.Pool({ ...config, max: maxConnections, idleTimeoutMillis: 0 })
  await openAll(() => pool.query('select pg_sleep(0.1)'))
  const single = new pg.Client(config)
  await single.connect()
  return {
    async select(connections, count) {
      const select = (): Promise<unknown> => (connections === 1 ? single : pool).query('select 1')
      await runConcurrently(connections, count, select)
    },
    async readRows() {
      await single.query(selectRows)
    },
    async copyIn() {
      await pipeline(Readable.from(copyPieces), single.query(copyFrom(copyRows)))
    },
    async close() {
      await Promise.all([single.end(), pool.end()])
      await connector.close()
    },
  }
}
