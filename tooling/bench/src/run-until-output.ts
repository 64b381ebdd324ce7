import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** How a program is run. */
export interface RunUntilOutputOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/**
 * Runs Node.js until it prints something, and ends it then.
 *
 * @returns the milliseconds from just before the start to the output
 */
export async function runUntilOutput(
  nodeArguments: readonly string[],
  { env, signal }: RunUntilOutputOptions,
): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, nodeArguments, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    signal,
  })
  const exited = once(child, 'close')
  exited.catch(() => {}) // an abort is an error too, and is thrown below
  let errorOutput = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errorOutput += text))
  const hasPrinted = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    exited.then(() => false),
  ])
  const elapsedMs = performance.now() - startedAt
  if (!hasPrinted) {
    const how = child.exitCode ?? child.signalCode
    throw new Error(
      `"node ${nodeArguments.join(' ')}" ended with ${how}, and no output:\n${errorOutput.trim()}`,
    )
  }
  child.kill('SIGKILL')
  await exited
  return elapsedMs
}
