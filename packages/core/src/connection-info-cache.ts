import type { AlloyDBError } from './alloydb-error.ts'
import type { ConnectionInfo } from './connection-info.ts'

/** Gives the dials of one instance its connection info, and decides when that is fetched. */
export interface ConnectionInfoCache {
  /** Gives connection info whose certificate is valid by the wall clock. */
  get(): Promise<ConnectionInfo>
  /**
   * Gives newer connection info than what a dial has failed with, where there is or may be such now.
   *
   * @throws ALLOYDB_INSTANCE_NOT_FOUND where the instance is gone, which is why the dial has failed
   */
  replace(failed: ConnectionInfo): Promise<ConnectionInfo | undefined>
  /** Ends all work. */
  close(reason: AlloyDBError): Promise<void>
}
