import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject } from './subjects/alloydb-dialect.ts'

// What a user has who has installed those versions.
vi.mock('kysely', () => import('kysely-0.28'))
vi.mock('pg', () => import('pg-8.9'))

testConformance({
  ...subject,
  name: 'AlloyDBDialect on Kysely 0.28 and pg 8.9',
  aliases: { kysely: 'kysely-0.28', pg: 'pg-8.9' },
})
