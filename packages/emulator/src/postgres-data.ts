import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { giveTo, runAs, type PostgresIdentity } from './postgres-identity.ts'
import { commandLineOf, isAlive } from './process-table.ts'
import { delay } from './sockets.ts'

// How long a server may take to shut down after the emulator that ran it was killed.
const KEPT_DATA_LIMIT_MS = 15_000

// What containers often forbid, and what is needed in two cases alone.
const NO_NAMESPACE =
  'PostgreSQL needs a user namespace here, which is not allowed. None is needed by a user who has an entry in /etc/passwd, ' +
  'nor by root where every user may read what is installed, and the data directory if there is one.'

/** How a database cluster is made. */
interface InitialisationOptions {
  data: string
  superuser: string
  password: string
  /** Where the password may be written for initdb to read. */
  passwordFile: string
  signal: AbortSignal | undefined
}

/** Makes a database cluster. */
export async function initialiseData(
  identity: PostgresIdentity,
  binaries: PostgresBinaries,
  { data, passwordFile, password, superuser, signal }: InitialisationOptions,
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
  const { code, output } = await runAs(identity, binaries.initdb, options, signal)
  signal?.throwIfAborted()
  if (code !== 0) {
    const hint = output.startsWith('unshare:') ? NO_NAMESPACE : ''
    throw new Error(`The emulator's PostgreSQL could not be initialised in "${data}".\n${output}${hint}`)
  }
}

/** Refuses data that another major version has written or that another server runs on; waits for a server that is on its way out. */
export async function checkKeptData(
  identity: PostgresIdentity,
  binaries: PostgresBinaries,
  data: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const written = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  const { output } = await runAs(identity, binaries.postgres, ['--version'])
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
