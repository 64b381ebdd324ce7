import type { EmulatorOptions } from '../emulator.ts'
import { DEFAULT_LOGIN, targetOfUrl, type PostgresLogin } from '../postgres-target.ts'

/** The user whom programs are told to log in as, and the database. */
export function postgresLogin({ postgres, database }: EmulatorOptions): PostgresLogin {
  if (typeof postgres === 'string') return targetOfUrl(postgres).admin
  return { ...DEFAULT_LOGIN, ...(database !== undefined && { database }) }
}
