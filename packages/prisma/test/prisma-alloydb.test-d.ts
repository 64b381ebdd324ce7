// Type-checked with each version of @prisma/adapter-pg; never run.
import type { Dialer } from '@alloydb/core'
import type pg from 'pg'
import { PrismaAlloyDB, type PrismaAlloyDBConfig } from '../src/index.ts'
import { PrismaClient } from '@alloydb-tooling/prisma-client'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const adapter = new PrismaAlloyDB({ instance, user: 'app', password: 'secret', database: 'shop' })
const prisma: PrismaClient = new PrismaClient({ adapter })

const [order] = await prisma.order.findMany({
  where: { count: { gt: 1 } },
  select: { id: true, paidAt: true },
})
export const paidAt: Date | null | undefined = order?.paidAt
// @ts-expect-error a column that was not selected
export const item: unknown = order?.item

// What pg.Pool takes, what a connector takes, and what PrismaPg takes.
new PrismaAlloyDB({ instance, max: 5, idleTimeoutMillis: 1_000, application_name: 'shop' })
new PrismaAlloyDB({ instance, authType: 'IAM', ipType: 'psc', refreshStrategy: 'lazy' })
new PrismaAlloyDB({ instance, password: async () => 'secret' })
new PrismaAlloyDB({ instance }, { schema: 'shop', onPoolError: ({ message }) => console.warn(message) })
new PrismaAlloyDB({ instance }, undefined)
export const share = (connector: Dialer, Client: NonNullable<pg.PoolConfig['Client']>): PrismaAlloyDB =>
  new PrismaAlloyDB({ connector, instance, Client })

// Whatever may be undefined may be given so: settings often come from the environment.
export const config: PrismaAlloyDBConfig = {
  instance,
  user: process.env['DB_USER'],
  password: process.env['DB_PASSWORD'],
  connector: undefined,
}

// @ts-expect-error there is no default instance
new PrismaAlloyDB({ user: 'app' })
// @ts-expect-error where to connect is the instance's to say
new PrismaAlloyDB({ instance, host: 'localhost' })
// @ts-expect-error as above
new PrismaAlloyDB('postgres://localhost')
// @ts-expect-error each Prisma Client has a pool of its own
export const own = (pool: pg.Pool): PrismaAlloyDB => new PrismaAlloyDB(pool)
// @ts-expect-error as above
new PrismaAlloyDB({ instance }, { disposeExternalPool: true })
// @ts-expect-error there is no such IP type
new PrismaAlloyDB({ instance, ipType: 'LOCAL' })
