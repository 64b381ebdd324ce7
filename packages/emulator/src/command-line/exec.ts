import { spawn } from 'node:child_process'
import type { Emulator, EmulatorOptions } from '../emulator.ts'
import { exitCodeOf, Interruptions } from './interruptions.ts'
import type { ExecCommand } from './parse-command-line.ts'
import { postgresLogin } from './postgres-login.ts'
import { reportError } from './report-error.ts'
import { writeServiceAccountFile } from './service-account-file.ts'
import { startReporting } from './start-reporting.ts'

// What shells say of a program that they could not run.
const CANNOT_EXECUTE = 126
const NOT_FOUND = 127

/** Runs a program beside an emulator, and returns its exit code. */
export async function exec({ file, args, options }: ExecCommand): Promise<number> {
  using interruptions = new Interruptions()
  await using emulator = await startReporting(options, interruptions)
  if (!emulator) return exitCodeOf(interruptions.signal!)
  await using serviceAccountFile = await writeServiceAccountFile(
    emulator.serviceAccount,
    options.dataDirectory,
  )
  const { signal } = interruptions
  if (signal) return exitCodeOf(signal)
  const env = { ...process.env, ...environmentOf(emulator, options, serviceAccountFile.path) }
  return await run(file, args, env, interruptions)
}

function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  interruptions: Interruptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env })
    // A terminal sends Ctrl-C to every process in front: the program has got it already, and is to get it once. What
    // it makes of it is its own affair.
    const inTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
    const handOver = interruptions.handOver((signal) => {
      if (signal === 'SIGTERM' || !inTerminal) child.kill(signal)
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      handOver[Symbol.dispose]()
      if (error.code === 'ENOENT' || error.code === 'EACCES') {
        const found = error.code === 'EACCES'
        reportError(`${file}: ${found ? 'permission denied' : 'command not found'}`)
        resolve(found ? CANNOT_EXECUTE : NOT_FOUND)
      } else {
        reject(error)
      }
    })
    child.once('exit', (code, signal) => {
      handOver[Symbol.dispose]()
      resolve(signal ? exitCodeOf(signal) : (code ?? 1))
    })
  })
}

function environmentOf(
  emulator: Emulator,
  options: EmulatorOptions,
  serviceAccountFile: string,
): Record<string, string> {
  const { user, password, database } = postgresLogin(options)
  const readPool = emulator.instances.find(({ instanceType }) => instanceType === 'READ_POOL')
  return {
    ...emulator.env,
    ALLOYDB_INSTANCE: emulator.instance,
    ...(readPool && { ALLOYDB_READ_POOL_INSTANCE: readPool.uri }),
    GOOGLE_APPLICATION_CREDENTIALS: serviceAccountFile,
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
}
