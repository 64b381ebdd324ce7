import type { drizzle } from '../src/index.ts'
import type { Connection } from './alloydb-drizzle-suite.ts'
import * as relations from './relations.ts'
import * as tables from './schema.ts'
import type { Version } from './entry-points.ts'

const schema = { ...tables, ...relations }

/** What the versions 0.45 have of their own; `name` tells them apart. */
export function version045(name: string): Version {
  return {
    name,
    migrations: new URL('migrations', import.meta.url),
    async findCustomersWithOrders(open: typeof drizzle, connection: Connection) {
      const db = open({ connection, schema })
      try {
        return await db.query.customers.findMany({
          columns: { name: true },
          with: { orders: { columns: { item: true } } },
        })
      } finally {
        await db.$client.end()
      }
    },
  }
}
