import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import type {} from '../../../../tooling/testing/shared-postgres.ts'

const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url))
const FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']

/** Node.js 22 strips the program's types, and does not know its `using`. What is built runs there, too. */
export const knowsUsing = Number(process.versions.node.split('.')[0]) >= 24

/** Runs a program of a test's in a process of its own. */
export function runProgram(program: string, ...args: string[]): ChildProcessByStdio<null, Readable, null> {
  const source = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
  const code = `import { startEmulator } from ${JSON.stringify(source)}\n${program}`
  const command = [...FLAGS, '--input-type=module', '-e', code, ...args]
  return spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The option that spares the program a PostgreSQL of its own. */
export function sharedPostgresOption(): string {
  const { socketPath, adminPassword } = inject('postgres')
  return `--postgres=postgres://alloydbadmin:${adminPassword}@/postgres?host=${dirname(socketPath)}`
}

/** Starts the program as users do. */
export function startBin(...words: string[]): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...FLAGS, bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Starts it as a terminal does, which sends Ctrl-C to the whole process group. */
export function startBinInGroup(
  env: Readonly<Record<string, string>>,
  ...words: string[]
): { child: ChildProcessByStdio<null, Readable, Readable>; pressCtrlC: () => void } {
  const child = spawn(process.execPath, [...FLAGS, bin, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
  })
  return { child, pressCtrlC: () => void process.kill(-child.pid!, 'SIGINT') }
}

/** Runs the program to its end. */
export async function runBin(
  ...words: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = startBin(...words)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}
