import { readFile } from 'node:fs/promises'
import { exec } from './exec.ts'
import { helpText } from './help-text.ts'
import { parseCommandLine } from './parse-command-line.ts'
import { reportError } from './report-error.ts'
import { serve } from './serve.ts'
import { UsageError } from './usage-error.ts'

const USAGE_ERROR = 2

/** Does what the words after the program's name ask for, and returns the exit code. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    const command = parseCommandLine(words)
    switch (command.kind) {
      case 'help':
        process.stdout.write(helpText())
        return 0
      case 'version':
        process.stdout.write(`${await readVersion()}\n`)
        return 0
      case 'serve':
        return await serve(command)
      case 'exec':
        return await exec(command)
    }
  } catch (error) {
    reportError(error instanceof Error ? error.message : String(error))
    if (!(error instanceof UsageError)) return 1
    process.stderr.write('See alloydb-emulator --help.\n')
    return USAGE_ERROR
  }
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return manifest && typeof manifest === 'object' && 'version' in manifest ? String(manifest.version) : ''
}
