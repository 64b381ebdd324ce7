// Measures what the connector costs, side by side with what one would pick instead. `--help` says what can be given.
import { open, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { describeUsage, parseCommandLine, UsageError } from './command-line.ts'
import { metrics } from './metrics.ts'
import { toJson } from './report.ts'
import { run } from './run.ts'
import { saveResults } from './save-results.ts'

async function main(interrupt: AbortSignal): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2), metrics)
  if (command === 'help') {
    console.log(describeUsage(metrics))
    return
  }
  if (command.jsonFile !== undefined) await checkWritable(command.jsonFile)
  const { report, plots, failures } = await run(command, interrupt)
  if (command.jsonFile !== undefined) await writeFile(command.jsonFile, toJson(report))
  if (failures > 0) process.exitCode = 1
  else if (!command.quick && command.metrics.length === metrics.length) await saveResults(report, plots)
}

/** Finds out before minutes of measuring, not after. */
async function checkWritable(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`The file "${file}" of --json cannot be written: ${reason}.`, { cause: error })
  }
}

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupt.abort(new Error(`Interrupted by ${signal}.`)))
}
try {
  await main(interrupt.signal)
} catch (error) {
  const { aborted } = interrupt.signal
  const reason: unknown = aborted ? interrupt.signal.reason : error
  const isExpected = aborted || reason instanceof UsageError
  console.error(isExpected && reason instanceof Error ? `\n${reason.message}` : inspect(reason))
  process.exit(aborted ? 130 : 1) // with all programs, which end with this one
}
