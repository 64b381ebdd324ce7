import { AlloyDBError } from '@alloydb/core'
import type { DrizzleConfig } from 'drizzle-orm'

// What a schema is differs by the version of drizzle-orm, and so does the bound of its own type parameters: an object of
// tables and relations in 0.45, what `defineRelations()` gives in 1.0. Both are read from its types, so that these
// declarations hold for the version that is installed.

/** What drizzle-orm may be given as a schema. */
export type AnySchema = {} extends DrizzleConfig<infer Schema> ? Schema : never

/** What drizzle-orm takes for the schema where it is given none. */
export type NoSchema = DrizzleConfig extends DrizzleConfig<infer Schema> ? Schema : never

/** A config, taken apart: for the driver, and for drizzle-orm. */
interface ConfigParts<Connection, Rest> {
  readonly connection: Connection
  readonly drizzleConfig: Rest
}

/**
 * Takes the config of a `drizzle()` apart, and refuses what drizzle-orm's own `drizzle()` would take and this one cannot.
 *
 * @param factory what makes a client of one's own, for the error about that
 * @throws ALLOYDB_INVALID_OPTION
 */
export function splitConfig<Connection extends object, Config extends { connection: Connection }>(
  config: Config,
  factory: string,
): ConfigParts<Config['connection'], Omit<Config, 'connection'>> {
  const given: unknown = config
  if (typeof given !== 'object' || given === null) {
    const what = typeof given === 'string' ? 'a connection string' : `of type ${typeof given}`
    throw invalid(`Invalid config: it is ${what}.`, writeConnection)
  }
  if ('client' in given && given.client !== undefined) {
    throw invalid(
      'The option "client" is not for AlloyDB connections.',
      `Use the drizzle({ client }) of drizzle-orm itself, with a client that ${factory} makes.`,
    )
  }
  if ('logger' in given) checkLogger(given.logger)
  const { connection, ...drizzleConfig } = config
  checkConnection(connection, 'instance' in given)
  return { connection, drizzleConfig }
}

const writeConnection =
  'Write drizzle({ connection: { instance: "projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>", … } }).'

const writeConnectionString =
  'Write `connection: { instance, connectionString }`, with a URL that has no host, since the instance says where to connect: postgres://user:password@/database.'

function checkConnection(connection: unknown, isInstanceBeside: boolean): void {
  if (typeof connection === 'string') {
    throw invalid('Invalid connection: it is a connection string.', writeConnectionString)
  }
  if (typeof connection !== 'object' || connection === null) {
    if (isInstanceBeside) {
      throw invalid('The option "instance" stands beside `connection`, not in it.', writeConnection)
    }
    throw invalid('Invalid connection: it is missing.', writeConnection)
  }
  if ('url' in connection && connection.url !== undefined) {
    throw invalid('The option "url" is not for AlloyDB connections.', writeConnectionString)
  }
}

/** For a config with any other, drizzle-orm 0.45 takes all of it for a client. */
function checkLogger(logger: unknown): void {
  if (logger === undefined || typeof logger === 'boolean') return
  if (typeof (logger as { logQuery?: unknown } | null)?.logQuery === 'function') return
  throw invalid(
    'The option "logger" is no logger of Drizzle: it has no logQuery().',
    "Give `true` or a Logger of drizzle-orm. A connector's logger belongs in `connection`.",
  )
}

function invalid(summary: string, hint: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', summary, { hint })
}
