import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject as createSql } from './subjects/create-sql.ts'
import { subject as postgresConfig } from './subjects/postgres-config.ts'

// What a user has who has installed that version.
vi.mock('postgres', () => import('postgres-3.4.0'))

for (const subject of [createSql, postgresConfig]) {
  testConformance({
    ...subject,
    name: `${subject.name}, postgres.js 3.4.0`,
    lacks: {
      ...subject.lacks,
      'dial errors as they are': 'postgres.js 3.4.0 wraps every error',
      'lost transactions': 'postgres.js 3.4.0 does not learn that the connection of a transaction is lost',
    },
    aliases: { postgres: 'postgres-3.4.0' },
  })
}
