import type { Emulator, EmulatorOptions, PostgresExit } from '../emulator.ts'
import { startEmulator } from '../start-emulator.ts'
import type { Interruptions } from './interruptions.ts'
import { reportError } from './report-error.ts'

const LOG_LINES = 10

/**
 * Starts an emulator, and says on stderr what its user would not expect. There is none where a signal has come before it
 * was ready.
 */
export function startReporting(
  options: EmulatorOptions,
  interruptions: Interruptions,
): Promise<Emulator | undefined> {
  return interruptions.during((signal) =>
    startEmulator({
      ...options,
      signal,
      onInitFilesSkipped(cluster) {
        reportError(
          `--init was skipped: "${options.dataDirectory}" holds data of ${cluster} already.\n` +
            'To have it run again, remove the directory or give another one.',
        )
      },
      onPostgresExit(exit) {
        reportError(describeExit(exit))
        options.onPostgresExit?.(exit)
      },
    }),
  )
}

function describeExit({ cluster, reason, log }: PostgresExit): string {
  const lines = log.trimEnd().split('\n').slice(-LOG_LINES)
  return [
    `The PostgreSQL of ${cluster} has ended by itself, with ${reason}. The end of its log:`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n')
}
