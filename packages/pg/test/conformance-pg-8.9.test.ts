import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject as createPool } from './subjects/create-pool.ts'
import { subject as pgConfig } from './subjects/pg-config.ts'

// What a user has who has installed that version.
vi.mock('pg', () => import('pg-8.9'))

const aliases = { pg: 'pg-8.9' }
testConformance({ ...createPool, name: 'createPool on pg 8.9', aliases })
testConformance({ ...pgConfig, name: 'pgConfig in a pg.Pool of pg 8.9', aliases })
