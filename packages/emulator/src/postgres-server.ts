import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { PostgresAddress } from './postgres-address.ts'
import { locatePostgresBinaries } from './postgres-binaries.ts'
import { setUpOwnServer } from './postgres-bootstrap.ts'
import { startPostgresProcess, type PostgresProcess } from './postgres-process.ts'
import { POSTGRES_PORT, SUPERUSER, targetOfAddress } from './postgres-target.ts'
import { createRuntimeDirectory, sweepStaleDirectories } from './runtime-directory.ts'

/** A PostgreSQL server set up as AlloyDB sets one up. It runs until {@link PostgresServer.stop} is called. */
export interface PostgresServer extends PostgresAddress, AsyncDisposable {
  /** The process id of the server. */
  readonly pid: number
  /** What the server has logged lately, for the report of a failure. */
  log(): string
  /** Stops the server and removes its data. Calling it again does nothing more. */
  stop(): Promise<void>
}

// The server-side proxy has verified an IAM user's token, so PostgreSQL trusts whom it lets through; it lets nobody
// through as the superuser, whose password only the emulator knows.
const HOST_BASED_AUTHENTICATION = `
local all         ${SUPERUSER}        password
local all         +alloydbiamuser     trust
local replication +alloydbiamuser     trust
local all         all                 scram-sha-256
local replication all                 scram-sha-256
`

/**
 * Starts a PostgreSQL of its own, for several emulators to share by {@link EmulatorOptions.postgres}. It takes most
 * of the time that starting an emulator takes.
 *
 * Its data lies in the system's temporary directory and goes with it, also when this process is killed.
 */
export function startPostgres(): Promise<PostgresServer> {
  return startServer({})
}

/** Data that is kept, and the superuser's password that goes with it. */
interface KeptPostgres {
  path: string
  /** For data that has been set up before. */
  adminPassword: string | undefined
}

interface ServerOptions {
  kept?: KeptPostgres | undefined
  /** Gives the start up. */
  signal?: AbortSignal | undefined
  /** Is told where the server ends and nobody has stopped it: with a signal or an exit code, and what it has logged. */
  onExit?: ((reason: string, log: string) => void) | undefined
}

/** Starts a PostgreSQL whose data is kept, or goes with it. */
export async function startServer({ kept, signal, onExit }: ServerOptions): Promise<PostgresServer> {
  const binaries = await locatePostgresBinaries()
  const directory = await createRuntimeDirectory()
  const adminPassword = kept?.adminPassword ?? randomBytes(24).toString('base64url')
  const isNew = kept?.adminPassword === undefined
  let server: PostgresProcess | undefined
  try {
    const sweep = sweepStaleDirectories(directory).catch(() => {})
    server = await startPostgresProcess(binaries, directory.path, {
      superuser: SUPERUSER,
      password: adminPassword,
      hostBasedAuthentication: HOST_BASED_AUTHENTICATION,
      maxConnections: 600,
      keptData: kept && { path: kept.path, isNew },
      signal,
    })
    await sweep
    const address = { socketPath: join(directory.path, `.s.PGSQL.${POSTGRES_PORT}`), adminPassword }
    if (isNew) await setUpOwnServer(targetOfAddress(address))
    let stopped: Promise<void> | undefined
    const { pid, exited, log, stop } = server
    void exited.then((reason) => {
      if (!stopped) onExit?.(reason, log())
    })
    const stopOnce = (): Promise<void> => (stopped ??= stop().then(() => directory.remove()))
    return { ...address, pid, log, stop: stopOnce, [Symbol.asyncDispose]: stopOnce }
  } catch (error) {
    await server?.stop()
    await directory.remove()
    throw error
  }
}
