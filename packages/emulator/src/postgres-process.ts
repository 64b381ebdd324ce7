import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { checkKeptData, initialiseData } from './postgres-data.ts'
import { chooseIdentity, commandLineAs, giveTo } from './postgres-identity.ts'
import { POSTGRES_PORT } from './postgres-target.ts'

/** A running PostgreSQL server. */
export interface PostgresProcess {
  pid: number
  /** Resolves when it has ended, with the reason: a signal, or an exit code. */
  exited: Promise<string>
  /** The end of what it has logged. */
  log(this: void): string
  stop(this: void): Promise<void>
}

const LOG_TAIL = 8192
const START_LIMIT_MS = 60_000
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
  else
    await initialiseData(identity, binaries, { ...settings, data, passwordFile: join(directory, 'password') })
  signal?.throwIfAborted()

  const durability = keptData
    ? { synchronous_commit: 'off' }
    : // The data never outlives the process.
      { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const server = Object.entries({
    hba_file: hbaFile,
    unix_socket_directories: directory,
    port: POSTGRES_PORT, // `PGPORT` would name the socket otherwise
    listen_addresses: '',
    max_connections: settings.maxConnections,
    wal_level: 'logical',
    ...durability,
  }).map(([name, value]) => `--${name}=${value}`)
  // Data to be kept is shut down in order; other data needs no checkpoint, since it is about to be removed.
  const stopSignal = keptData ? 'SIGINT' : 'SIGQUIT'
  const supervisor = ['-c', SUPERVISOR, 'sh', directory, data, stopSignal.slice('SIG'.length)]
  const [command, args] = commandLineAs(identity, '/bin/sh', [
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
