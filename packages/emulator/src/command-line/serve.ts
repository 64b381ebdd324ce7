import type { ConnectionReport } from '../connection-log.ts'
import { describeConnection } from './describe-connection.ts'
import { describeEmulator, summarizeEmulator } from './describe-emulator.ts'
import { Interruptions } from './interruptions.ts'
import type { ServeCommand } from './parse-command-line.ts'
import { postgresLogin } from './postgres-login.ts'
import { writeServiceAccountFile } from './service-account-file.ts'
import { startReporting } from './start-reporting.ts'

/** Runs an emulator until it is interrupted. */
export async function serve({ options, json, quiet }: ServeCommand): Promise<number> {
  using interruptions = new Interruptions()
  const startedAt = performance.now()
  const onConnection = (connection: ConnectionReport): void => {
    process.stderr.write(`${describeConnection(connection, new Date())}\n`)
  }
  await using emulator = await interruptions.during(
    startReporting({ ...options, ...(!quiet && { onConnection }) }),
  )
  if (interruptions.signal) return 0
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
  const signal = await interruptions.first
  if (signal === 'SIGINT' && !json) process.stdout.write('\nStopping; once more to end at once.\n')
  return 0
}
