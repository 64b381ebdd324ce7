import type { DatabaseUser } from './cluster.ts'
import type { ConnectionReport } from './connection-log.ts'
import type { EmulatorAuth, ServiceAccountKey } from './credentials.ts'
import type { Cut } from './fault.ts'
import type { Faults } from './faults.ts'
import type { Iam, IamOptions } from './iam.ts'
import type { EmulatedInstance, InstanceAddresses, InstanceOptions } from './instance.ts'
import type { PostgresAddress } from './postgres-address.ts'
import type { RecordedRequest } from './request-log.ts'

/** The instance of an emulator that is given none. */
export const DEFAULT_INSTANCE = 'projects/emulator/locations/local/clusters/main/instances/primary'

/** How a PostgreSQL that the emulator had started came to its end, when nobody had stopped it. */
export interface PostgresExit {
  /** The resource name of the cluster. */
  cluster: string
  /** A signal, such as `SIGKILL`, or an exit code. */
  reason: string
  /** The end of what it has logged. */
  log: string
}

/** How an emulator is set up. */
export interface EmulatorOptions {
  /**
   * The instances, by their URIs or with options of their own. Those of one cluster share users and data. Defaults to
   * `projects/emulator/locations/local/clusters/main/instances/primary`.
   */
  instances?: readonly (string | InstanceOptions)[] | undefined
  /**
   * The port of the server-side proxies; the service's is 5433. Instances without addresses of their own get 127.0.0.1,
   * 127.0.0.2, and so on, so that all can have it. Defaults to 0, a free port for each instance.
   */
  port?: number | undefined
  /** The port of the Admin API and the token endpoint. Defaults to 0, a free port. */
  adminPort?: number | undefined
  /**
   * The IP address that everything listens on, where other machines or containers are to reach it: `0.0.0.0` for all. Anyone who
   * can reach it gets tokens and data. Instances then may have any addresses, which are those that clients dial, and get ports
   * one after the other. Defaults to loopback addresses alone.
   */
  listenAddress?: string | undefined
  /** The lifetime of client certificates. Defaults to what the caller asks for. */
  certificateLifetimeMs?: number | undefined
  /** Who there is, and what they may do. */
  iam?: IamOptions | undefined
  /**
   * Database users of every cluster, besides `postgres` with the password `postgres`. Defaults to one IAM user, for
   * the first service account.
   */
  databaseUsers?: readonly DatabaseUser[] | undefined
  /**
   * A PostgreSQL that is running already, for every cluster; it is left running, and its data is left alone. Users and data
   * are shared by all emulators that use it. It comes from {@link startPostgres}, or is a server of your own, by its URL:
   * `postgres://<user>:<password>@<host>:<port>/<database>`, where the user is a superuser or has CREATEROLE. There the emulator
   * makes the roles `alloydbsuperuser` and `alloydbiamuser`, and the database users that are asked for; `postgres` is as you
   * have it. Defaults to one of its own for each cluster.
   */
  postgres?: PostgresAddress | string | undefined
  /**
   * A database that is made in every cluster where it is not there, and belongs to the user `postgres`. SQL files run in it.
   * With the URL of a server of your own, that names the database. Defaults to `postgres`, which is always there.
   */
  database?: string | undefined
  /**
   * SQL files in UTF-8, run once where the data of a cluster is new, by the user `postgres` in {@link EmulatorOptions.database}:
   * each in one transaction, unless it has its own. An error stops the start. Defaults to none.
   */
  initFiles?: readonly string[] | undefined
  /** Is told of each cluster, by its resource name, for which SQL files were not run since its data is there already. */
  onInitFilesSkipped?: ((cluster: string) => void) | undefined
  /**
   * A directory that keeps data, authorities and service accounts' keys between runs, for one emulator at a time; it is made
   * where it is not there. It holds private keys and passwords. Defaults to none: everything goes when the emulator stops.
   */
  dataDirectory?: string | undefined
  /** Is told where a PostgreSQL of the emulator's own dies. Logins to that cluster fail from then on; the rest goes on. */
  onPostgresExit?: ((exit: PostgresExit) => void) | undefined
  /** Gives the start up: it fails with the signal's reason, and leaves nothing. After the start it has no effect. */
  signal?: AbortSignal | undefined
  /** Is told of each connection to a server-side proxy, once it is clear how that turned out. */
  onConnection?: ((connection: ConnectionReport) => void) | undefined
}

/** A local AlloyDB that is running. */
export interface Emulator extends AsyncDisposable {
  /** `127.0.0.1:<port>` of the Admin API and the token endpoint: the value of `ALLOYDB_EMULATOR_HOST`. */
  readonly host: string
  /** The URI of the first instance. */
  readonly instance: string
  readonly instances: readonly EmulatedInstance[]
  /** Options for google-auth-library's `new GoogleAuth()`, as the first service account. */
  readonly auth: EmulatorAuth
  /** The key of the first service account, as its JSON file holds it. */
  readonly serviceAccount: ServiceAccountKey
  /** The environment variables that lead a connector here. */
  readonly env: { readonly ALLOYDB_EMULATOR_HOST: string }
  /** Who may do what; changes take effect at once. */
  readonly iam: Iam
  /** What is to go wrong. */
  readonly faults: Faults
  /** The access tokens that the token endpoint has issued. */
  readonly tokens: TokenSettings
  /** The steps that clients have asked for, in order: the last ten thousand at least. */
  readonly requests: readonly RecordedRequest[]
  /**
   * The certificate, PEM, of the authority that a client must trust to reach {@link Emulator.host} by TLS, as clients
   * of gRPC do. Without TLS the same port answers, too.
   */
  caCertificate(): Promise<string>
  /**
   * Options for `new GoogleAuth()`, as any principal: a service account with a key, a user with a refresh token. Of one that
   * {@link iam} does not know they get no token.
   */
  authFor(email: string): Promise<EmulatorAuth>
  /** Adds a database user, or changes one. */
  addDatabaseUser(user: DatabaseUser, instance?: string): Promise<void>
  /** Cuts every connection to one instance, or to all, as maintenance does. Defaults to an orderly end. */
  disconnectAll(how?: Cut, instance?: string): void
  /** Moves an instance: connections are cut, and the certificate is for the new addresses. */
  setAddresses(instance: string, addresses: InstanceAddresses): Promise<void>
  /** Sets the instance flag `alloydb.iam_authentication`, for logins to come. */
  setIamAuthentication(instance: string, enabled: boolean): void
  /** Shuts an instance's server-side proxy: dialing it is refused. The Admin API still knows the instance. */
  stopInstance(instance: string): Promise<void>
  /** Opens it again, on the same port. */
  startInstance(instance: string): Promise<void>
  /** Stops everything that was started; removes the data unless it is kept. Calling it again does nothing more. */
  stop(): Promise<void>
}

/** Settings of the token endpoint. */
export interface TokenSettings {
  /** The lifetime of tokens to come, in milliseconds. Defaults to one second less than an hour. */
  lifetimeMs: number
  /** Makes every token that has been issued unknown. */
  revokeAll(): void
}
