import { checkAdapterConfig } from '@alloydb/core/adapter'
import { reservedOptions } from './client-config.ts'
import type { AlloyDBPoolConfig } from './create-pool.ts'

/**
 * Refuses a config that `createPool` would refuse, and makes nothing of it: for adapters that make their pool when it is
 * first used, and may never be. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function checkPoolConfig(config: AlloyDBPoolConfig): void {
  checkAdapterConfig(config, reservedOptions)
}
