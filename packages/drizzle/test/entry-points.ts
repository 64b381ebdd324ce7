import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { migrate as migrateOnPostgresJs } from 'drizzle-orm/postgres-js/migrator'
import { drizzle } from '../src/index.ts'
import { drizzle as drizzleOnPostgresJs } from '../src/postgres-js.ts'
import type { Connection, Subject } from './alloydb-drizzle-suite.ts'

/** What differs by the version of drizzle-orm. */
export interface Version extends Pick<Subject, 'migrations'> {
  /** Becomes a part of the names of databases. */
  readonly name: string
  readonly findCustomersWithOrders: (
    open: typeof drizzle,
    connection: Connection,
  ) => ReturnType<Subject['findCustomersWithOrders']>
}

/** Both entry points. They differ in their types; what the suite does with them is what both have. */
export function subjectsOf({ name, migrations, findCustomersWithOrders }: Version): Subject[] {
  const onPostgresJs = drizzleOnPostgresJs as unknown as typeof drizzle
  return [
    {
      name: `${name}_on_pg`,
      drizzle,
      migrate,
      migrations,
      findCustomersWithOrders: (connection) => findCustomersWithOrders(drizzle, connection),
      reservedOptions: ['host', 'port', 'ssl', 'sslnegotiation', 'stream'],
    },
    {
      name: `${name}_on_postgres_js`,
      drizzle: onPostgresJs,
      migrate: migrateOnPostgresJs as unknown as Subject['migrate'],
      migrations,
      findCustomersWithOrders: (connection) => findCustomersWithOrders(onPostgresJs, connection),
      reservedOptions: ['host', 'hostname', 'port', 'path', 'ssl', 'sslnegotiation', 'socket'],
    },
  ]
}
