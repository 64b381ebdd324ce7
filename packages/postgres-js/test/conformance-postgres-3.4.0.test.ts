import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject } from './subjects/create-sql.ts'

// What a user has who has installed that version.
vi.mock('postgres', () => import('postgres-3.4.0'))

testConformance({
  ...subject,
  name: 'createSql on postgres.js 3.4.0',
  lacks: { ...subject.lacks, 'dial errors as they are': 'postgres.js 3.4.0 wraps every error' },
  aliases: { postgres: 'postgres-3.4.0' },
})
