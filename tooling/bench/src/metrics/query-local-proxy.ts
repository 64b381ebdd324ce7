import { AuthProxy } from '../../../testing/auth-proxy.ts'
import { ChildProgram } from '../child-program.ts'
import type { Metric } from '../metric.ts'
import type { LocalProxyCommands } from '../programs/local-proxy.ts'
import { compareQueries, type Reference } from '../query-comparison.ts'

/** The only port that the Auth Proxy dials. */
const serverSideProxyPort = 5433

/** node-postgres on the connector's socket, and through sidecars: one in Node.js and, where it is on PATH, the Auth Proxy. */
export const queryLocalProxy: Metric = {
  names: ['query_pg_vs_local_proxy'],
  title: 'node-postgres, a block of work, without and with a local proxy',
  async measure(bench) {
    const { program, host, instance } = await bench.backend()
    await using proxy = new ChildProgram<LocalProxyCommands>('local-proxy')
    const standIn: Reference = {
      route: 'local proxy',
      port: await proxy.call('open', { host, instance }),
      against: 'throughput through a local TCP proxy (in Node.js, standing in for a sidecar)',
    }
    await using authProxy = await startAuthProxy(host, instance)
    const references: [Reference, ...Reference[]] = [standIn]
    if (authProxy !== undefined) {
      const { port } = authProxy
      if (await program.call('listenOn', { service: 'AlloyDB', port: serverSideProxyPort })) {
        references.push({ route: 'Auth Proxy', port, against: 'throughput through the AlloyDB Auth Proxy' })
      } else {
        console.log(
          `Without the Auth Proxy: it dials port ${serverSideProxyPort} alone, which is taken on 127.0.0.1. End what listens there.`,
        )
      }
    }
    return await compareQueries(
      {
        name: 'query_pg_vs_local_proxy',
        driver: 'pg',
        references,
        works: ['select 1 on 1', 'select 1 on 10'],
        bar: { atLeast: 1.3 },
      },
      bench,
    )
  },
}

/** @returns nothing where it is not on PATH */
async function startAuthProxy(host: string, instance: string): Promise<AuthProxy | undefined> {
  try {
    return await AuthProxy.start({ host, instance, flags: ['--token=bench'] })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
