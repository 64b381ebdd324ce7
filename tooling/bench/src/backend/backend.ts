import type { ChildProgram } from '../child-program.ts'
import type { ClientIdentity } from './identities.ts'

/** The servers of a run, as their process is told what to do. */
export type BackendCommands = {
  /** Starts the Admin API and the terminator. */
  open: () => Promise<BackendAddresses>
  /** Lets every answer of both Admin APIs wait so long. */
  setApiLatency: (ms: number) => void
  /** Lets the terminator listen also on the one port that a client dials; tells whether it was free. */
  listenOn: (wanted: { service: Service; port: number }) => Promise<boolean>
  /** Starts PostgreSQL behind the terminator, with a database user that needs no password. */
  openDatabase: () => Promise<{ user: string; database: string }>
  createClientIdentity: () => Promise<ClientIdentity>
}

/** Whose connectors to answer. */
export type Service = 'AlloyDB' | 'Cloud SQL'

/** Where the servers are. */
export interface BackendAddresses {
  /** `127.0.0.1:<port>` of the Admin APIs and the metadata server: the value of `ALLOYDB_EMULATOR_HOST`. */
  readonly host: string
  /** The port of AlloyDB's server-side proxy. */
  readonly proxyPort: number
  /** The port for drivers that bring their own TLS. */
  readonly driverPort: number
  readonly instance: string
  readonly cloudSqlInstance: string
}

/** The servers of a run, in a process of their own. */
export interface Backend extends BackendAddresses {
  readonly program: ChildProgram<BackendCommands>
}
