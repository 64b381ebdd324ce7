import { createPool, type AlloyDBPoolConfig } from '@alloydb/pg'
import { checkPoolConfig, ignoreClientErrors } from '@alloydb/pg/adapter'
import { PostgresDialect, type PostgresCursorConstructor, type PostgresDialectConfig } from 'kysely'

/**
 * The config of {@link AlloyDBDialect}: an instance, a connector or its options, what pg.Pool takes, and what Kysely's
 * own `PostgresDialect` takes beside its pool and the class of its control clients, which is the pool's own.
 */
export interface AlloyDBDialectConfig extends AlloyDBPoolConfig {
  /** The class of `pg-cursor`, which `stream()` needs. Defaults to none. */
  cursor?: PostgresCursorConstructor | undefined
  /** Called once for each connection, before its first use. Defaults to nothing. */
  onCreateConnection?: PostgresDialectConfig['onCreateConnection'] | undefined
  /** Called each time that a connection is taken from the pool. Defaults to nothing. */
  onReserveConnection?: PostgresDialectConfig['onReserveConnection'] | undefined
}

/**
 * Connects Kysely to an AlloyDB instance: its own `PostgresDialect`, on a pool of `@alloydb/pg`.
 *
 * The pool, and the connector where none is shared, are made when Kysely first needs a connection; before that there is
 * nothing to close. `destroy()` of the Kysely instance waits for the connections in use, ends the pool, and closes that
 * connector; one that is shared stays open.
 *
 * The end of a connection never ends the process: a query under way fails, and the pool replaces the connection.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export class AlloyDBDialect extends PostgresDialect {
  constructor(config: AlloyDBDialectConfig) {
    checkPoolConfig(config)
    const { cursor, onCreateConnection, onReserveConnection, ...poolConfig } = config
    super({
      pool: async () => ignoreClientErrors(createPool(poolConfig)),
      ...(cursor && { cursor }),
      ...(onCreateConnection && { onCreateConnection }),
      ...(onReserveConnection && { onReserveConnection }),
    })
  }
}
