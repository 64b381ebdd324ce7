import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject as nodePostgres } from '../subjects/node-postgres.ts'
import { subject as postgresJs } from '../subjects/postgres-js.ts'

// What a user has who has installed that version.
vi.mock('drizzle-orm', () => import('drizzle-orm-1.0'))
vi.mock('drizzle-orm/node-postgres', () => import('drizzle-orm-1.0/node-postgres'))
vi.mock('drizzle-orm/postgres-js', () => import('drizzle-orm-1.0/postgres-js'))

const aliases = {
  'drizzle-orm': 'drizzle-orm-1.0',
  'drizzle-orm/node-postgres': 'drizzle-orm-1.0/node-postgres',
  'drizzle-orm/postgres-js': 'drizzle-orm-1.0/postgres-js',
}
testConformance({ ...nodePostgres, name: `${nodePostgres.name}, of drizzle-orm 1.0`, aliases })
testConformance({ ...postgresJs, name: `${postgresJs.name}, of drizzle-orm 1.0`, aliases })
