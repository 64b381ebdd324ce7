import { AlloyDBError } from '@alloydb/core'
import type { AlloyDBPoolConfig } from '@alloydb/pg'
import { checkPoolConfig, openPoolConfig } from '@alloydb/pg/adapter'
import { PrismaPg } from '@prisma/adapter-pg'

/** The config of {@link PrismaAlloyDB}: an instance, a connector or its options, and what pg.Pool takes. */
export interface PrismaAlloyDBConfig extends AlloyDBPoolConfig {}

/** What `PrismaPg` takes as its second argument, but for what is about a pool of one's own. */
export type PrismaAlloyDBOptions = Omit<
  NonNullable<ConstructorParameters<typeof PrismaPg>[1]>,
  'disposeExternalPool'
>

/** What Prisma Client works with while it is connected: the adapter of `PrismaPg`. */
type PrismaPgAdapter = Awaited<ReturnType<PrismaPg['connect']>>

/**
 * Connects Prisma Client to an AlloyDB instance: Prisma's own driver adapter for node-postgres, `PrismaPg`, led there.
 *
 * Each Prisma Client has its own pool, and its own connector where none is shared, made when it connects: for its first
 * query or by `$connect()`. `$disconnect()` ends the pool and closes that connector; one that is shared stays open. The
 * next query connects anew.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export class PrismaAlloyDB implements Pick<PrismaPg, 'provider' | 'adapterName' | 'connect'> {
  readonly provider = 'postgres'
  readonly adapterName = '@alloydb/prisma'
  // Private, so that Prisma does not print the password: with DEBUG=prisma:*, it prints the adapter.
  readonly #config: PrismaAlloyDBConfig
  readonly #options: PrismaAlloyDBOptions | undefined

  constructor(config: PrismaAlloyDBConfig, options?: PrismaAlloyDBOptions) {
    checkSchema(config)
    checkPoolConfig(config)
    this.#config = { ...config }
    this.#options = options
  }

  /**
   * Makes a pool for one Prisma Client, which is who calls this. No connection is dialed yet; but where IAM login leaves
   * the user to the credentials, they are asked for it.
   */
  async connect(): Promise<PrismaPgAdapter> {
    const pool = await openPoolConfig(this.#config)
    // A config, never a pool: PrismaPg knows only those of its own copy of pg, and takes any other for a config.
    try {
      const adapter = await new PrismaPg(pool.config, this.#options).connect()
      const endPool = adapter.dispose.bind(adapter)
      return Object.assign(adapter, {
        async dispose() {
          try {
            await endPool()
          } finally {
            await pool.close()
          }
        },
      })
    } catch (error) {
      await pool.close()
      throw error
    }
  }
}

/** The URLs of Prisma's other engines have the schema among their parameters; its driver adapters take it beside. */
function checkSchema(config: unknown): void {
  const { schema, connectionString } = Object(config) as { schema?: unknown; connectionString?: unknown }
  if (schema === undefined && !/[?&]schema=/.test(String(connectionString))) return
  throw new AlloyDBError('ALLOYDB_INVALID_OPTION', 'The option "schema" is not one of the connection.', {
    hint: 'Give it in the second argument: new PrismaAlloyDB(config, { schema }).',
  })
}
