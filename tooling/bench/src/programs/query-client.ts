import type { OpenDriver, OpenDriverOn, Route, RouteTargets } from '../drivers/driver.ts'
import { openPg } from '../drivers/pg.ts'
import { openPostgresJs } from '../drivers/postgres-js.ts'
import { serve } from '../program.ts'

/** The drivers that are measured. */
export type DriverName = 'pg' | 'postgres.js'

/** What a driver is put to. */
export type Work = 'select 1 on 1' | 'select 1 on 10' | '4 MB result' | 'COPY in'

/** What has connections of its own. */
export interface Contender {
  readonly name: string
  readonly route: Route
}

/** Does a driver's work for several contenders, whose connections are all open. */
export type QueryClientCommands = {
  /** Opens the connections of each, in the order given. */
  open: (setup: {
    driver: DriverName
    contenders: readonly Contender[]
    targets: RouteTargets
  }) => Promise<void>
  /** Does a block of work and gives the milliseconds that it took. */
  run: (block: { name: string; work: Work }) => Promise<number>
  close: () => Promise<void>
}

const drivers: Readonly<Record<DriverName, OpenDriverOn>> = { pg: openPg, 'postgres.js': openPostgresJs }
const open = new Map<string, OpenDriver>()

const works: Readonly<Record<Work, (driver: OpenDriver) => Promise<void>>> = {
  'select 1 on 1': (driver) => driver.select(1, 100),
  'select 1 on 10': (driver) => driver.select(10, 300),
  '4 MB result': (driver) => driver.readRows(),
  'COPY in': (driver) => driver.copyIn(),
}

serve({
  async open({ driver, contenders, targets }) {
    process.env['ALLOYDB_EMULATOR_HOST'] = targets.host
    for (const { name, route } of contenders) open.set(name, await drivers[driver](route, targets))
  },
  async run({ name, work }) {
    const driver = open.get(name)
    if (driver === undefined) throw new Error(`There are no connections of "${name}".`)
    const startedAt = performance.now()
    await works[work](driver)
    return performance.now() - startedAt
  },
  async close() {
    await Promise.all([...open.values()].map((driver) => driver.close()))
    open.clear()
  },
} satisfies QueryClientCommands)
