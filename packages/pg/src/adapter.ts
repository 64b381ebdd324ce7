import type pg from 'pg'
import { checkConfig, openConfig, setUpClient } from './client-config.ts'
import type { AlloyDBPoolConfig } from './create-pool.ts'

/**
 * Refuses a config that `createPool` would refuse, and makes nothing of it: for adapters that make their pool when it is
 * first used, and may never be. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function checkPoolConfig(config: AlloyDBPoolConfig): void {
  checkConfig(config)
}

/** What {@link openPoolConfig} makes. */
export interface OpenedPoolConfig {
  /** The config of a pg.Pool, of any copy of pg. */
  readonly config: pg.PoolConfig
  /** Closes the connector that was made; does nothing to one that is shared. To be called when the pool has ended. */
  readonly close: () => Promise<void>
}

/**
 * Makes the config of a pool: for adapters whose library makes the pool by itself, perhaps with its own copy of pg. This
 * loads no pg. Does no I/O, but where IAM login leaves the user to the credentials: those are asked for it, within the
 * config's `connectionTimeoutMillis`.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION, ALLOYDB_IAM_USER_UNKNOWN and those of credentials
 */
export async function openPoolConfig(config: AlloyDBPoolConfig): Promise<OpenedPoolConfig> {
  const adapter = openConfig(config)
  const close = (): Promise<void> => adapter.close()
  const { config: poolConfig } = setUpClient(adapter)
  if (typeof adapter.user !== 'function') return { config: poolConfig, close }
  try {
    const user = await inTime(adapter.user(), config.connectionTimeoutMillis)
    return { config: { ...poolConfig, user }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Keeps the process alive when a connection that is in use ends, for a library that keeps its clients to itself, or makes
 * more of the pool's class. What ran on it fails with pg's error in any case.
 */
export function ignoreClientErrors(pool: pg.Pool): pg.Pool {
  const open = pool as pg.Pool & { Client: typeof pg.Client }
  open.Client = class extends open.Client {
    constructor(config: pg.ClientConfig) {
      super(config)
      // Beside failing its query, pg emits an error on a client that is in use, and nobody can listen to a hidden one.
      this.on('error', () => {})
    }
  }
  return pool
}

/** Waits as long as pg does for a connection: where there is no limit, or 0, for ever. */
async function inTime<T>(promise: Promise<T>, limitMs: number | undefined): Promise<T> {
  if (!limitMs) return promise
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('timeout exceeded when trying to connect')), limitMs)
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
