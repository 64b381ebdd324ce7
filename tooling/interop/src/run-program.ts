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
/** What a go says that may not fetch a newer one. */
const TOO_OLD = /requires go >= /

/**
 * Runs a program to its end, showing what it prints.
 *
 * @throws {SkipError} where it failed for want of a network, or of a newer version; another error where it failed for any other reason.
 */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env = process.env }: RunOptions = {},
): Promise<void> {
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
  if (code === 0) return
  if (NO_NETWORK.test(printed)) throw new SkipError('its packages are out of reach')
  if (TOO_OLD.test(printed)) throw new SkipError(`${program} is too old for it`)
  throw new Error(`${program} ${child.killed ? 'took too long' : `exited with ${code}`}.`)
}

/** Tells whether a program is there, by asking it for its version. */
export function isInstalled(program: string, versionArgument: string): Promise<boolean> {
  return new Promise((resolve) => {
    spawn(program, [versionArgument], { stdio: 'ignore' })
      .once('error', () => resolve(false))
      .once('close', (code) => resolve(code === 0))
  })
}
