import { spawn } from 'node:child_process'

export interface RunOptions {
  readonly cwd: string
  /** Defaults to two minutes. */
  readonly timeoutMs?: number | undefined
  /** Ends the command when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * Runs a command without a terminal, and returns its standard output.
 *
 * @throws Error with all that the command printed, where it fails or takes too long
 */
export async function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  { cwd, timeoutMs = 120_000, env: variables = {}, signal }: RunOptions,
): Promise<string> {
  // npx hands its own `--allow-scripts` on to every npm below it, which refuses it in a project.
  const { npm_config_allow_scripts: _, ...env } = process.env
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, NO_COLOR: '1', ...variables },
    timeout: timeoutMs,
    ...(signal && { signal }),
  })
  let stdout = ''
  let all = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    all += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (all += text))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  const code = await promise
  if (code !== 0) {
    const how = child.killed ? `did not end within ${timeoutMs / 1000} s` : `exited with ${code}`
    throw new Error(`"${[command, ...args].join(' ')}" ${how}:\n${all.trim()}`)
  }
  return stdout
}
