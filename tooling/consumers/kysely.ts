// What a user of @alloydb/kysely may write; tooling/scripts/check-packages.ts type-checks it against the installed package.
import { AlloyDBDialect, type AlloyDBDialectConfig } from '@alloydb/kysely'
import { CompiledQuery, Kysely, PostgresDialect, type Dialect, type Generated } from 'kysely'

interface Database {
  orders: { id: Generated<number>; item: string }
}

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const config: AlloyDBDialectConfig = {
  instance,
  user: 'app',
  password: undefined,
  database: 'shop',
  max: 5,
  onCreateConnection: async (connection) =>
    void (await connection.executeQuery(CompiledQuery.raw('set role shop'))),
}

export async function query(): Promise<string | undefined> {
  const db = new Kysely<Database>({ dialect: new AlloyDBDialect(config) })
  const order = await db.selectFrom('orders').select('item').where('id', '=', 1).executeTakeFirst()
  await db.destroy()
  return order?.item
}

export const withIam: Dialect = new AlloyDBDialect({
  instance,
  database: 'shop',
  authType: 'IAM',
  ipType: 'psc',
})

export function share(connector: NonNullable<AlloyDBDialectConfig['connector']>): PostgresDialect {
  return new AlloyDBDialect({ connector, instance, user: 'app' })
}

// @ts-expect-error where to connect is the instance's to say
new AlloyDBDialect({ instance, host: 'localhost' })

// @ts-expect-error the dialect makes its own pool
new AlloyDBDialect({ instance, pool: {} })
