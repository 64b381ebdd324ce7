import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, BackendCommands } from './backend/backend.ts'
import { ChildProgram } from './child-program.ts'
import type { Command } from './command-line.ts'
import { describeMachine, summarizeMachine } from './machine.ts'
import { CannotMeasure, type Bench, type Figure, type Metric } from './metric.ts'
import type { Plot } from './plot.ts'
import { describeFigure, tableHeader, type Report } from './report.ts'
import { runMetric } from './run-metric.ts'

const cleanUpTimeoutMs = 3_000

/** What a run gave. */
export interface RunResult {
  readonly report: Report
  readonly plots: readonly { readonly metric: Metric; readonly plot: Plot }[]
  /** How many metrics could not be measured. */
  readonly failures: number
}

/** Measures one metric after another and prints a table as it goes; ends all processes, however it ends. */
export async function run({ metrics, quick }: Command, signal: AbortSignal): Promise<RunResult> {
  const machine = describeMachine()
  const startedAt = new Date()
  console.log(
    `${summarizeMachine(machine)}${quick ? '\n--quick: these numbers mean nothing' : ''}\n\n${tableHeader()}`,
  )
  const figures: Figure[] = []
  const plots: { metric: Metric; plot: Plot }[] = []
  let failures = 0

  await using stack = new AsyncDisposableStack()
  let backend: Promise<Backend> | undefined
  const openBackend = async (): Promise<Backend> => {
    const program = stack.use(new ChildProgram<BackendCommands>('backend'))
    return { program, ...(await program.call('open')) }
  }
  const bench: Bench = { quick, signal, backend: () => (backend ??= openBackend()) }

  for (const metric of metrics) {
    const names = metric.names.join(', ')
    try {
      const measuring = runMetric(metric, bench, () => console.log(`${names}: void, measured again`))
      const { figures: found, plot } = await interruptible(measuring, signal)
      for (const figure of found) console.log(describeFigure(figure))
      figures.push(...found)
      plots.push({ metric, plot })
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CannotMeasure)) throw error
      console.log(`${names}: not measured. ${error.message}`)
      failures += 1
    }
  }
  return { report: { machine, quick, startedAt, figures }, plots, failures }
}

/** Gives up when the run is interrupted: once the metric has cleaned up, or soon if it does not come to that. */
async function interruptible<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    const onAbort = async (): Promise<void> => {
      await Promise.race([work.catch(() => {}), sleep(cleanUpTimeoutMs, undefined, { ref: false })])
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', () => void onAbort(), { once: true })
  })
  return Promise.race([work, interrupted])
}
