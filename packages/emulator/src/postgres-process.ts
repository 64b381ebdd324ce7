import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'

/** A running PostgreSQL server. */
export interface PostgresProcess {
  pid: number
  /** Resolves when it has ended, for whatever reason. */
  exited: Promise<void>
  /** The end of what it has logged. */
  log(this: void): string
  stop(this: void): Promise<void>
}

// PostgreSQL refuses to run as root. This is "nobody", wherever there is one.
const NOBODY = 65534
const LOG_TAIL = 8192
const START_LIMIT_MS = 60_000

// Runs PostgreSQL in place of the shell, so that the child's pid and exit are PostgreSQL's own, with a watcher beside
// it that holds the other end of our pipe. We write a line when we have stopped it ourselves; the end of the pipe
// without one means that this process died, even by SIGKILL, and that the watcher has to clean up. It is forked twice
// so that PostgreSQL, which takes a strange child's death for a crash, never sees it.
const SUPERVISOR = `
directory=$1; shift
exec 3<&0 </dev/null
( (
  read -r _ <&3 && exit
  kill -QUIT $$
  tries=0
  while [ -e "$directory/data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  rm -rf "$directory"
) >/dev/null 2>&1 & )
exec "$@" 3<&-
`

interface Identity {
  prefix: readonly string[]
  ids: Pick<SpawnOptions, 'uid' | 'gid'>
}

/**
 * Makes a database cluster in `<directory>/data` and starts PostgreSQL on it, listening on a Unix socket in
 * `directory` alone.
 */
export async function startPostgresProcess(
  binaries: PostgresBinaries,
  directory: string,
  settings: { superuser: string; password: string; hostBasedAuthentication: string; maxConnections: number },
): Promise<PostgresProcess> {
  const identity = await chooseIdentity(binaries)
  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  const hbaFile = join(directory, 'pg_hba.conf')
  await writeFile(passwordFile, settings.password, { mode: 0o600 })
  await writeFile(hbaFile, settings.hostBasedAuthentication, { mode: 0o600 })
  await mkdir(data, { mode: 0o700 })
  const { uid, gid } = identity.ids
  if (uid !== undefined && gid !== undefined) {
    await Promise.all([directory, data, passwordFile, hbaFile].map((path) => chown(path, uid, gid)))
  }

  const initialised = await run(identity, binaries.initdb, [
    `--pgdata=${data}`,
    `--username=${settings.superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
    '--no-instructions',
  ])
  if (initialised.code !== 0) {
    throw new Error(`The emulator's PostgreSQL could not be initialised in "${data}".\n${initialised.output}`)
  }

  const server = Object.entries({
    hba_file: hbaFile,
    unix_socket_directories: directory,
    listen_addresses: '',
    max_connections: settings.maxConnections,
    wal_level: 'logical',
    // The data never outlives the process.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }).map(([name, value]) => `--${name}=${value}`)
  const supervised = ['-c', SUPERVISOR, 'sh', directory, binaries.postgres, '-D', data, ...server]
  const [command, args] = commandLine(identity, '/bin/sh', supervised)
  // A process group of its own, so that Ctrl-C in a terminal does not reach it before us.
  const child = spawn(command, args, {
    ...identity.ids,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  return await untilReady(child)
}

async function untilReady(child: ChildProcess): Promise<PostgresProcess> {
  let log = ''
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve())
  })
  const stop = async (): Promise<void> => {
    // An immediate shutdown, which skips the checkpoint: the data is about to be removed.
    child.kill('SIGQUIT')
    await exited
    child.stdin?.end('stopped\n')
  }
  child.stdin?.on('error', () => {})
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string, cause?: Error): void =>
        reject(new Error(`The emulator's PostgreSQL did not start: ${reason}.\n${log}`, { cause }))
      const timer = setTimeout(
        () => fail(`it was not ready within ${START_LIMIT_MS / 1000} s`),
        START_LIMIT_MS,
      )
      child.once('error', (error) => fail(error.message, error))
      child.once('exit', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`))
      void exited.then(() => clearTimeout(timer))
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-LOG_TAIL)
        if (!log.includes('database system is ready to accept connections')) return
        clearTimeout(timer)
        resolve()
      })
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid!, exited, log: () => log, stop }
}

async function chooseIdentity(binaries: PostgresBinaries): Promise<Identity> {
  // As nobody inside a user namespace, and unchanged to the outside.
  const namespace = {
    prefix: ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`],
    ids: {},
  }
  if (process.getuid?.() !== 0) return hasAccount() ? { prefix: [], ids: {} } : namespace
  const nobody: Identity = { prefix: [], ids: { uid: NOBODY, gid: NOBODY } }
  const attempt = await run(nobody, binaries.postgres, ['--version'])
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

function commandLine({ prefix }: Identity, command: string, args: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...prefix, command, ...args]
  return [first!, rest]
}

function run(
  identity: Identity,
  program: string,
  programArgs: readonly string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const [command, args] = commandLine(identity, program, programArgs)
    let output = ''
    const child = spawn(command, args, { ...identity.ids, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const collect = (text: string): void => {
      output = (output + text).slice(-LOG_TAIL)
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.once('error', (error) => resolve({ code: null, output: error.message }))
    child.once('close', (code) => resolve({ code, output }))
  })
}
