import type { AuthType, Dialer, IpType } from '@alloydb/core'

/** One way to reach AlloyDB: a library of some version, and how it is given the connector. */
export interface Subject {
  /** The library and its version, as a report of tests names them. */
  readonly name: string
  /**
   * The URL of the module that exports this as `subject`: a process of its own imports it, to see whether the process
   * ends. So that module must not import vitest.
   */
  readonly module: string
  /** Opens what holds the library's connections. It may connect at once or later. */
  open(options: OpenOptions): Session | Promise<Session>
  /** How a parameter is written in SQL. Defaults to `$1`. */
  readonly placeholders?: '$1' | '?'
  /** What the driver threw, taken from what the library throws. Defaults to that itself. */
  readonly unwrapError?: (error: unknown) => unknown
  /** Whether IAM login needs no user, since the credentials tell it. Defaults to `false`. */
  readonly findsIamUser?: boolean
  /** Values that the library reads in a way of its own, by the name of the column in `suites/queries.ts`. */
  readonly types?: Readonly<Record<string, unknown>>
  /** Packages that stand for others in the process of its own; in the tests themselves, `vi.mock` does that. */
  readonly aliases?: Readonly<Record<string, string>>
  /** What the library cannot do, and why: the reason is in the name of a skipped test. */
  readonly lacks?: Readonly<Partial<Record<Ability, string>>>
}

/** What a library may lack. */
export type Ability =
  /** A statement of a transaction may depend on the result of the one before. */
  | 'interactive transactions'
  /** A transaction that loses its connection fails, and that is all. */
  | 'lost transactions'
  /** It limits the time that connecting may take. */
  | 'connect timeout'
  /** It lets the dialer's error through, and not just its code and message. */
  | 'dial errors as they are'
  /** It lets all fields of PostgreSQL's errors through. */
  | 'PostgreSQL errors as they are'
  /** `end()` lets the queries that run come to their end. */
  | 'end after queries'
  /** `end()` while a query is being connected ends both, and the connection. */
  | 'end while connecting'
  /** What the driver reads from and writes to can be reached. */
  | 'sockets'

/** How a session is to be opened. */
export interface OpenOptions {
  /** What it is to connect with. It outlives the session. */
  readonly dialer: Dialer
  readonly instance: string
  readonly database: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly ipType?: IpType | undefined
  readonly authType?: AuthType | undefined
  /** How many connections it may have. */
  readonly max: number
  /** The driver's own limit on connecting. */
  readonly connectTimeoutMs?: number | undefined
}

/** Runs one statement. */
export type Query = (sql: string, parameters?: readonly unknown[]) => Promise<readonly unknown[]>

/** What holds a library's connections. */
export interface Session {
  readonly query: Query
  /** Runs a transaction: rolls back, and throws the same, when the work throws. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  /** Ends all connections; not the dialer. */
  end(): Promise<unknown>
  /** What its connections read from and write to, of each that is open. */
  sockets?(): readonly unknown[]
}
