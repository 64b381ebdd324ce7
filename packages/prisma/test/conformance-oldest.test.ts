import { testConformance } from '@alloydb-tooling/conformance'
import { vi } from 'vitest'
import { subject } from './subjects/prisma-alloydb.ts'

// What a user has who has installed that version.
vi.mock('@prisma/adapter-pg', () => import('@prisma/adapter-pg-7.0'))

testConformance({
  ...subject,
  name: 'PrismaAlloyDB on @prisma/adapter-pg 7.0',
  aliases: { '@prisma/adapter-pg': '@prisma/adapter-pg-7.0' },
})
