import type { ConnectionReport } from '../connection-log.ts'
import type { PostgresExit } from '../emulator.ts'
import { describeConnection } from './describe-connection.ts'
import { describeEmulator, summarizeEmulator } from './describe-emulator.ts'
import { exitCodeOf, Interruptions } from './interruptions.ts'
import type { ServeCommand } from './parse-command-line.ts'
import { postgresLogin } from './postgres-login.ts'
import { writeServiceAccountFile } from './service-account-file.ts'
import { startReporting } from './start-reporting.ts'

/** Runs an emulator until it is interrupted, or its PostgreSQL dies. */
export async function serve({ options, json, quiet }: ServeCommand): Promise<number> {
  using interruptions = new Interruptions()
  const startedAt = performance.now()
  const onConnection = (connection: ConnectionReport): void => {
    process.stderr.write(`${describeConnection(connection, new Date())}\n`)
  }
  const { promise: died, resolve: onPostgresExit } = Promise.withResolvers<PostgresExit>()
  await using emulator = await startReporting(
    { ...options, onPostgresExit, ...(!quiet && { onConnection }) },
    interruptions,
  )
  if (!emulator) return exitCodeOf(interruptions.signal!)
  await using serviceAccountFile = await writeServiceAccountFile(
    emulator.serviceAccount,
    options.dataDirectory,
  )
  const running = {
    emulator,
    database: postgresLogin(options).database,
    ownPostgres: options.postgres !== undefined,
    serviceAccountFile: serviceAccountFile.path,
    startMs: performance.now() - startedAt,
  }
  process.stdout.write(
    json ? `${JSON.stringify(summarizeEmulator(running))}\n` : `${describeEmulator(running)}\n`,
  )
  const signal = await Promise.race([interruptions.first, died.then(() => undefined)])
  if (signal === undefined) return 1
  if (signal === 'SIGINT' && !json) process.stdout.write('\nStopping; once more to end at once.\n')
  return 0
}
