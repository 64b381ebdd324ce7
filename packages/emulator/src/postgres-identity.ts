import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { PostgresBinaries } from './postgres-binaries.ts'

// PostgreSQL refuses to run as root. This is "nobody", wherever there is one.
const NOBODY = 65534
const OUTPUT_TAIL = 8192

/** Who PostgreSQL's programs run as. */
export interface PostgresIdentity {
  /** What stands before each command. */
  prefix: readonly string[]
  /** What each command is spawned with. */
  ids: Pick<SpawnOptions, 'uid' | 'gid'>
}

/**
 * Chooses who PostgreSQL's programs run as: this process's user, or nobody where that one is root or has no name.
 *
 * @param parent a directory on the way to the data that has to be entered as it is
 */
export async function chooseIdentity(binaries: PostgresBinaries, parent: string): Promise<PostgresIdentity> {
  // As nobody inside a user namespace, and unchanged to the outside.
  const namespace = {
    prefix: ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`],
    ids: {},
  }
  if (process.getuid?.() !== 0) return hasAccount() ? { prefix: [], ids: {} } : namespace
  const nobody: PostgresIdentity = { prefix: [], ids: { uid: NOBODY, gid: NOBODY } }
  const attempt = await runAs(nobody, '/bin/sh', [
    '-c',
    'cd "$1" && "$2" --version',
    'sh',
    parent,
    binaries.postgres,
  ])
  if (attempt.code === 0) return nobody
  // Only root may enter some directory on the way to the files.
  return namespace
}

/** initdb insists that its user has an entry in /etc/passwd, which the arbitrary users of some containers lack. */
function hasAccount(): boolean {
  try {
    return userInfo().uid >= 0
  } catch {
    return false
  }
}

/** Makes files the identity's own. */
export async function giveTo({ ids: { uid, gid } }: PostgresIdentity, ...paths: string[]): Promise<void> {
  if (uid === undefined || gid === undefined) return
  await Promise.all(paths.map((path) => chown(path, uid, gid)))
}

/** The program and the arguments by which it runs as that identity, beside its `ids`. */
export function commandLineAs(
  { prefix }: PostgresIdentity,
  command: string,
  args: readonly string[],
): [string, string[]] {
  const [first, ...rest] = [...prefix, command, ...args]
  return [first!, rest]
}

/** Runs a program to its end, or, where the signal says so, ends it and what it has started. */
export function runAs(
  identity: PostgresIdentity,
  program: string,
  programArgs: readonly string[],
  signal?: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const [command, args] = commandLineAs(identity, program, programArgs)
    let output = ''
    const child = spawn(command, args, {
      ...identity.ids,
      cwd: '/',
      // A process group of its own, so that Ctrl-C in a terminal reaches us alone.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (text: string): void => {
      output = (output + text).slice(-OUTPUT_TAIL)
    }
    const giveUp = (): void => killGroup(child)
    signal?.addEventListener('abort', giveUp)
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.once('error', (error) => resolve({ code: null, output: error.message }))
    child.once('close', (code) => {
      signal?.removeEventListener('abort', giveUp)
      resolve({ code, output })
    })
  })
}

/** Ends a process that leads a group, and the group. */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended this moment.
  }
}
