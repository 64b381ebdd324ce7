// What a user of @alloydb/postgres-js may write; tooling/scripts/check-packages.ts type-checks it against the installed
// package.
import { Connector } from '@alloydb/core'
import { createSql, postgresConfig, type AlloyDBSqlConfig } from '@alloydb/postgres-js'
import postgres from 'postgres'

const instance = 'projects/p/locations/r/clusters/c/instances/i'
const config: AlloyDBSqlConfig = { instance, user: undefined, password: undefined, database: 'shop', max: 5 }

export async function query(): Promise<number | undefined> {
  const sql: postgres.Sql = createSql(config)
  const [row] = await sql<{ one: number }[]>`select ${1} as one`
  await sql.end({ timeout: 5 })
  return row?.one
}

export const withIam: postgres.Sql = createSql({ instance, database: 'shop', authType: 'IAM' })

export function withTypes(): postgres.PendingQuery<postgres.Row[]> {
  const sql: postgres.Sql<{ bigint: bigint }> = createSql({ instance, types: { bigint: postgres.BigInt } })
  return sql`select ${sql.types.bigint(1n)}, ${2n}`
}

export function share(connector: Connector): postgres.Sql[] {
  const own = postgres({ ...postgresConfig(connector, instance, { ipType: 'PUBLIC' }), database: 'shop' })
  return [own, createSql({ connector, instance, user: 'app' })]
}

// @ts-expect-error where to connect is the instance's to say
createSql({ instance, host: 'localhost' })

// @ts-expect-error as above
createSql('postgres://localhost')
