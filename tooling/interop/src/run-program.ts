import { spawn } from 'node:child_process'

/** What keeps a connector from being run here. */
export class SkipError extends Error {}

interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
}

const LIMIT_MS = 600_000
// What go, pip and mvn say of a host that they can't reach.
const NO_NETWORK =
  /dial tcp.*(?:no such host|refused|timeout|unreachable|misbehaving)|Failed to establish a new connection|NameResolutionError|Unknown host/
/** What a go says that may not fetch a newer one, and a Python that comes without pip. */
const LACKING = /requires go >= |ensurepip is not/

/** Runs a program to its end, showing what it prints. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { failure } = await runToEnd(program, args, options)
  if (failure !== undefined) throw new Error(`${program} ${failure}.`)
}

/**
 * Runs a program that gets or builds what a connector needs, and never one that connects: what that says of an emulator
 * that it can't reach sounds the same.
 *
 * @throws {SkipError} where it failed for want of a network, or of another version; another error where it failed for any other reason.
 */
export async function prepare(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  const { failure, printed } = await runToEnd(program, args, options)
  if (failure === undefined) return
  if (NO_NETWORK.test(printed)) throw new SkipError('its packages are out of reach')
  if (LACKING.test(printed)) throw new SkipError(`${program} is too old for it, or lacks a part`)
  throw new Error(`${program} ${failure}.`)
}

async function runToEnd(
  program: string,
  args: readonly string[],
  { cwd, env = process.env }: RunOptions,
): Promise<{ failure: string | undefined; printed: string }> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      process.stdout.write(text)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const failure = child.killed ? 'took too long' : `exited with ${code}`
  return { failure: code === 0 ? undefined : failure, printed }
}

/** Tells whether a program is there, by asking it for its version. */
export function isInstalled(program: string, versionArgument: string): Promise<boolean> {
  return new Promise((resolve) => {
    spawn(program, [versionArgument], { stdio: 'ignore' })
      .once('error', () => resolve(false))
      .once('close', (code) => resolve(code === 0))
  })
}
