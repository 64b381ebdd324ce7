import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { commandLineOf, isAlive } from './process-table.ts'
import { delay } from './sockets.ts'

/** A running PostgreSQL server. */
export interface PostgresProcess {
  pid: number
  /** Resolves when it has ended, with the reason: a signal, or an exit code. */
  exited: Promise<string>
  /** The end of what it has logged. */
  log(this: void): string
  stop(this: void): Promise<void>
}

// PostgreSQL refuses to run as root. This is "nobody", wherever there is one.
const NOBODY = 65534
const LOG_TAIL = 8192
const START_LIMIT_MS = 60_000
// How long a server may take to shut down after the emulator that ran it was killed.
const KEPT_DATA_LIMIT_MS = 15_000

// Runs PostgreSQL in place of the shell, so that the child's pid and exit are PostgreSQL's own, with a watcher beside
// it that holds the other end of our pipe. We write a line when we have stopped it ourselves; the end of the pipe
// without one means that this process died, even by SIGKILL, and that the watcher has to clean up. It is forked twice
// so that PostgreSQL, which takes a strange child's death for a crash, never sees it.
const SUPERVISOR = `
directory=$1 data=$2 signal=$3; shift 3
exec 3<&0 </dev/null
( (
  read -r _ <&3 && exit
  kill -"$signal" $$
  tries=0
  while [ -e "$data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  rm -rf "$directory"
) >/dev/null 2>&1 & )
exec "$@" 3<&-
`

interface Identity {
  prefix: readonly string[]
  ids: Pick<SpawnOptions, 'uid' | 'gid'>
}

// What containers often forbid, and what is needed in two cases alone.
const NO_NAMESPACE =
  'PostgreSQL needs a user namespace here, which is not allowed. None is needed by a user who has an entry in /etc/passwd, ' +
  'nor by root where every user may read what is installed, and the data directory if there is one.'

/** How a server is set up. */
interface PostgresSettings {
  superuser: string
  password: string
  hostBasedAuthentication: string
  maxConnections: number
  /** Where the data is to be kept, or has been kept. Without it, it lies in the runtime directory and goes with that. */
  keptData: { path: string; isNew: boolean } | undefined
  /** Gives the start up. */
  signal: AbortSignal | undefined
}

/**
 * Starts PostgreSQL, listening on a Unix socket in `directory` alone. Makes a database cluster first, unless one has been
 * kept.
 */
export async function startPostgresProcess(
  binaries: PostgresBinaries,
  directory: string,
  settings: PostgresSettings,
): Promise<PostgresProcess> {
  const { keptData, signal } = settings
  const data = keptData?.path ?? join(directory, 'data')
  const hbaFile = join(directory, 'pg_hba.conf')
  await writeFile(hbaFile, settings.hostBasedAuthentication, { mode: 0o600 })
  // The runtime directory is given to whoever it will be; that of data to be kept stays its owner's.
  const identity = await chooseIdentity(binaries, dirname(keptData?.path ?? directory))
  await giveTo(identity, directory, hbaFile)
  if (keptData && !keptData.isNew) await checkKeptData(identity, binaries, data, signal)
  else await initialise(identity, binaries, { ...settings, data, passwordFile: join(directory, 'password') })
  signal?.throwIfAborted()

  const durability = keptData
    ? { synchronous_commit: 'off' }
    : // The data never outlives the process.
      { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const server = Object.entries({
    hba_file: hbaFile,
    unix_socket_directories: directory,
    listen_addresses: '',
    max_connections: settings.maxConnections,
    wal_level: 'logical',
    ...durability,
  }).map(([name, value]) => `--${name}=${value}`)
  // Data to be kept is shut down in order; other data needs no checkpoint, since it is about to be removed.
  const stopSignal = keptData ? 'SIGINT' : 'SIGQUIT'
  const supervisor = ['-c', SUPERVISOR, 'sh', directory, data, stopSignal.slice('SIG'.length)]
  const [command, args] = commandLine(identity, '/bin/sh', [
    ...supervisor,
    binaries.postgres,
    '-D',
    data,
    ...server,
  ])
  // A process group of its own, so that Ctrl-C in a terminal does not reach it before us.
  const child = spawn(command, args, {
    ...identity.ids,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  return await untilReady(child, stopSignal)
}

async function initialise(
  identity: Identity,
  binaries: PostgresBinaries,
  {
    data,
    passwordFile,
    password,
    superuser,
    signal,
  }: PostgresSettings & { data: string; passwordFile: string },
): Promise<void> {
  signal?.throwIfAborted()
  await writeFile(passwordFile, password, { mode: 0o600 })
  await mkdir(data, { mode: 0o700 })
  await giveTo(identity, data, passwordFile)
  const options = [
    `--pgdata=${data}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
    '--no-instructions',
  ]
  const { code, output } = await run(identity, binaries.initdb, options, signal)
  signal?.throwIfAborted()
  if (code !== 0) {
    const hint = output.startsWith('unshare:') ? NO_NAMESPACE : ''
    throw new Error(`The emulator's PostgreSQL could not be initialised in "${data}".\n${output}${hint}`)
  }
}

/** Throws where another major version has written the data; waits for a server that is on its way out. */
async function checkKeptData(
  identity: Identity,
  binaries: PostgresBinaries,
  data: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const written = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  const { output } = await run(identity, binaries.postgres, ['--version'])
  const [, own] = /(\d+)\.\d+/.exec(output) ?? []
  if (written !== own) {
    throw new Error(
      `The data in "${data}" is that of PostgreSQL ${written}, and the emulator runs PostgreSQL ${own}.\n` +
        `Use another data directory; to move the data, dump it with PostgreSQL ${written}.`,
    )
  }
  const pidFile = join(data, 'postmaster.pid')
  const deadline = performance.now() + KEPT_DATA_LIMIT_MS
  for (;;) {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
    if (!(pid > 0 && isAlive(pid))) return
    const program = await commandLineOf(pid)
    if (program !== undefined && !program.includes(data)) {
      // The file stays after a crash, and ids are used again: PostgreSQL would take the other process for a server.
      await rm(pidFile, { force: true })
      return
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Another PostgreSQL, the process ${pid}, runs on the data in "${data}".\n` +
          `Stop it; if that process is no PostgreSQL, delete "${pidFile}".`,
      )
    }
    signal?.throwIfAborted()
    await delay(50)
  }
}

async function giveTo({ ids: { uid, gid } }: Identity, ...paths: string[]): Promise<void> {
  if (uid === undefined || gid === undefined) return
  await Promise.all(paths.map((path) => chown(path, uid, gid)))
}

async function untilReady(child: ChildProcess, stopSignal: NodeJS.Signals): Promise<PostgresProcess> {
  let log = ''
  const exited = new Promise<string>((resolve) => {
    child
      .once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      .once('error', (error) => resolve(error.message))
  })
  const stop = async (): Promise<void> => {
    child.kill(stopSignal)
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
      void exited.then((reason) => {
        clearTimeout(timer)
        fail(`it ended with ${reason}`)
      })
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

/** `parent`: a directory on the way to the data that has to be entered as it is. */
async function chooseIdentity(binaries: PostgresBinaries, parent: string): Promise<Identity> {
  // As nobody inside a user namespace, and unchanged to the outside.
  const namespace = {
    prefix: ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`],
    ids: {},
  }
  if (process.getuid?.() !== 0) return hasAccount() ? { prefix: [], ids: {} } : namespace
  const nobody: Identity = { prefix: [], ids: { uid: NOBODY, gid: NOBODY } }
  const attempt = await run(nobody, '/bin/sh', [
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

function commandLine({ prefix }: Identity, command: string, args: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...prefix, command, ...args]
  return [first!, rest]
}

/** Runs a program to its end, or, where the signal says so, ends it and what it has started. */
function run(
  identity: Identity,
  program: string,
  programArgs: readonly string[],
  signal?: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const [command, args] = commandLine(identity, program, programArgs)
    let output = ''
    const child = spawn(command, args, {
      ...identity.ids,
      cwd: '/',
      // A process group of its own, so that Ctrl-C in a terminal reaches us alone.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (text: string): void => {
      output = (output + text).slice(-LOG_TAIL)
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
