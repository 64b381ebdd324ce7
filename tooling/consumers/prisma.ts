// What a user of @alloydb/prisma may write; tooling/scripts/check-packages.ts type-checks it against the installed
// package.
import { PrismaAlloyDB, type PrismaAlloyDBConfig, type PrismaAlloyDBOptions } from '@alloydb/prisma'
import { PrismaPg } from '@prisma/adapter-pg'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const config: PrismaAlloyDBConfig = { instance, user: 'app', password: undefined, database: 'shop', max: 5 }
const options: PrismaAlloyDBOptions = { schema: 'shop', onPoolError: (error) => console.error(error.message) }

// What PrismaClient takes as its adapter.
interface Adapter {
  readonly provider: 'postgres'
  readonly adapterName: string
  connect: PrismaPg['connect']
}
export const adapter: Adapter = new PrismaAlloyDB(config, options)

export async function query(): Promise<unknown> {
  const connection = await adapter.connect()
  const { rows } = await connection.queryRaw({ sql: 'select 1', args: [], argTypes: [] })
  await connection.dispose()
  return rows
}

export const withIam: PrismaAlloyDB = new PrismaAlloyDB({
  instance,
  database: 'shop',
  authType: 'IAM',
  ipType: 'psc',
})

export function share(connector: NonNullable<PrismaAlloyDBConfig['connector']>): PrismaAlloyDB {
  return new PrismaAlloyDB({ connector, instance, user: 'app' })
}

// @ts-expect-error where to connect is the instance's to say
new PrismaAlloyDB({ instance, host: 'localhost' })

// @ts-expect-error the adapter makes its own pool
new PrismaAlloyDB({ instance }, { disposeExternalPool: true })
