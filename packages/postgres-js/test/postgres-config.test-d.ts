import type { Dialer } from '@alloydb/core'
import postgres from 'postgres'
import { createSql, postgresConfig, type AlloyDBSqlConfig } from '../src/index.ts'

// Types alone: compiled with the package's tests, and never run.
declare const connector: Dialer
const instance = 'projects/p/locations/r/clusters/c/instances/i'

// The fragment spreads into the options of postgres(), before or after the user's own, and of either call shape.
postgres({ ...postgresConfig(connector, instance), user: 'app' }) satisfies postgres.Sql
postgres({ user: 'app', max: 5, ...postgresConfig(connector, instance, { ipType: 'PSC' }) })
postgres('postgres://app@host/shop', { ...postgresConfig(connector, instance) })
const options: postgres.Options<{}> = { ...postgresConfig(connector, instance), connect_timeout: 0.5 }
postgres(options)

// @ts-expect-error an IP type is one of three
postgresConfig(connector, instance, { ipType: 'ANY' })

// What postgres<T>() has, createSql<T>() has: the user's own types.
const typed = createSql<{ cents: postgres.PostgresType<bigint> }>({
  instance,
  types: { cents: postgres.BigInt },
})
typed.types.cents(1n) satisfies postgres.Parameter<bigint>
const config: AlloyDBSqlConfig = { instance, connector, authType: 'IAM', database: undefined }
createSql(config) satisfies postgres.Sql

createSql({ instance, connectionString: process.env['DATABASE_URL'] })

// @ts-expect-error there is no instance
createSql({ user: 'app' })
// @ts-expect-error where to connect is the instance's to say
createSql({ instance, host: 'localhost' })
// @ts-expect-error and so is how
createSql({ instance, ssl: 'require' })
