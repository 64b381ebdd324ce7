import { startPostgres, type PostgresAddress } from '../../packages/emulator/src/index.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL that runs for the whole test run; give it to `startEmulator({ postgres })`. */
    postgres: PostgresAddress
  }
}

/** Starts one PostgreSQL for all tests of all packages: starting it takes most of the time that starting an emulator takes. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres()
  const { socketPath, adminPassword } = postgres
  project.provide('postgres', { socketPath, adminPassword })
  return () => postgres.stop()
}
