import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** How {@link runProgram} runs a program. */
export interface ProgramOptions {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Packages that stand for others, as `vi.mock` has it in tests. Defaults to none. */
  readonly aliases?: Readonly<Record<string, string>> | undefined
}

/** Runs a program of the repository's in a process of its own, which has to end by itself. */
export async function runProgram(
  program: URL,
  { args = [], env, aliases }: ProgramOptions,
): Promise<{ stdout: string; stderr: string }> {
  const flags = [
    '--conditions=@alloydb/source',
    '--experimental-strip-types',
    '--disable-warning=ExperimentalWarning',
    ...(aliases === undefined
      ? []
      : [`--import=${new URL('programs/use-aliases.ts', import.meta.url).href}`]),
  ]
  return promisify(execFile)(process.execPath, [...flags, fileURLToPath(program), ...args], {
    env: { ...process.env, ...env, NODE_OPTIONS: '', ALIASES: JSON.stringify(aliases ?? {}) },
    timeout: 20_000,
  })
}
