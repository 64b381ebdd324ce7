import type { Emulator, EmulatorOptions } from '../emulator.ts'
import { startEmulator } from '../start-emulator.ts'
import { reportError } from './report-error.ts'

/** Starts an emulator, and says on stderr what its user would not expect. */
export function startReporting(options: EmulatorOptions): Promise<Emulator> {
  return startEmulator({
    ...options,
    onInitFilesSkipped(cluster) {
      reportError(
        `--init was skipped: "${options.dataDirectory}" holds data of ${cluster} already.\n` +
          'To have it run again, remove the directory or give another one.',
      )
    },
  })
}
