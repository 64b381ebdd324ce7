import type { TLSSocket } from 'node:tls'

/** The network path to an instance: its private IP, its public IP, or Private Service Connect. */
export type IpType = 'PRIVATE' | 'PUBLIC' | 'PSC'

/** How PostgreSQL learns who logs in: with the user's password, or with the IAM principal's token. */
export type AuthType = 'PASSWORD' | 'IAM'

/** Options of one connect; each overrides the connector's own. */
export interface ConnectOptions {
  /** The network path to use, in any case. Defaults to the connector's `ipType`. */
  ipType?: IpType | Lowercase<IpType> | undefined
  /** How to log in to PostgreSQL, in any case. Defaults to the connector's `authType`. */
  authType?: AuthType | Lowercase<AuthType> | undefined
  /** Aborts the connect, at whichever step it is, and destroys the half-made socket. */
  signal?: AbortSignal | undefined
}

/**
 * Opens authenticated channels to AlloyDB instances.
 *
 * Adapters take this interface rather than the `Connector` class, so that a dialer of one's own, a test double or a
 * connector from a second copy of this package all work.
 */
export interface Dialer {
  /** How its connects log in unless told otherwise. Defaults to `'PASSWORD'`. */
  readonly authType?: AuthType | undefined

  /**
   * Opens one channel to an instance, ready for PostgreSQL's startup message.
   *
   * @param instance the instance URI, `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`
   * @returns the raw TLS socket. It belongs to the caller: nothing else listens to it or writes to it.
   */
  connect(instance: string, options?: ConnectOptions): Promise<TLSSocket>

  /**
   * Tells the database user that IAM login uses, where the credentials know it: a service account's e-mail without
   * `.gserviceaccount.com`, or a user's e-mail.
   */
  getIamUser?: (() => Promise<string>) | undefined
}
