import type { KeyObject } from 'node:crypto'
import type { Auth, Impersonation } from './credentials-options.ts'
import type { AuthType, IpType } from './dialer.ts'
import type { Logger } from './logger.ts'
import type { CreateConnection } from './open-transport.ts'
import type { StaticConnectionInfo } from './static-connection-info.ts'

/** When connection info is refreshed; see {@link ConnectorOptions.refreshStrategy}. */
export type RefreshStrategy = 'background' | 'lazy' | 'auto'

/** Options of a connector. All have defaults. */
export interface ConnectorOptions {
  /**
   * The credentials: a `GoogleAuth` or a client of google-auth-library 9 or newer. Defaults to Application Default Credentials
   * (environment variable `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's file, the attached service account).
   */
  auth?: Auth | undefined
  /** The credentials to log in with, where they are others. Defaults to `auth`, asking for `alloydb.login` alone. */
  loginAuth?: Auth | undefined
  /** A service account to act as, for the Admin API and to log in. Defaults to none. */
  impersonate?: Impersonation | undefined
  /**
   * The project whose quota the Admin API calls use. Defaults to that of the credentials; with `impersonate`, to the service
   * account's own.
   */
  quotaProject?: string | undefined
  /**
   * The origin of the Admin API. Defaults to `https://alloydb.<universe domain>`. Plain `http://` is accepted for a
   * loopback host alone, since a token travels.
   */
  apiEndpoint?: string | undefined
  /** The universe that the credentials and the Admin API are of. Defaults to `googleapis.com`. */
  universeDomain?: string | undefined
  /** Added to the user agent that Google sees. Defaults to nothing. */
  userAgent?: string | undefined
  /** The network path to instances, in any case. Defaults to `'PRIVATE'`. */
  ipType?: IpType | Lowercase<IpType> | undefined
  /** How to log in to PostgreSQL, in any case. Defaults to `'PASSWORD'`. */
  authType?: AuthType | Lowercase<AuthType> | undefined
  /**
   * When connection info is refreshed: `'background'`, ahead of its expiry; `'lazy'`, when a connect needs it; or
   * `'auto'`, which is lazy where the CPU sleeps between requests (environment variables `K_SERVICE`,
   * `FUNCTION_TARGET`, `AWS_LAMBDA_FUNCTION_NAME`, `VERCEL`). Defaults to `'auto'`.
   */
  refreshStrategy?: RefreshStrategy | undefined
  /**
   * The limit on TCP, TLS and the metadata exchange together, in milliseconds, a second try included. Connection info
   * that has to be fetched first comes on top. Defaults to 30,000.
   */
  connectTimeoutMs?: number | undefined
  /** The limit on one refresh, in milliseconds; half of it for an access token. Defaults to 60,000. */
  refreshTimeoutMs?: number | undefined
  /** An RSA private key of one's own (at least 2,048 bits; PEM or `KeyObject`). Defaults to a new one. */
  keyPair?: KeyObject | string | undefined
  /**
   * Fixed connection info in place of the Admin API, for development alone: its certificates expire. Defaults to none.
   */
  staticConnectionInfo?: StaticConnectionInfo | undefined
  /**
   * Opens the connection that TLS runs on, through SOCKS, SSH or the like. What it rejects with becomes the cause of
   * the error. Defaults to TCP, without delay and kept alive.
   */
  createConnection?: CreateConnection | undefined
  /**
   * How many TLS handshakes with one instance may run at once. Defaults to 6. All that are ready hold up the event loop
   * together, some milliseconds each; where the instance is far away, more of them share a round trip.
   */
  maxConcurrentHandshakes?: number | undefined
  /**
   * Told what happens, in short lines: `console` will do, as will pino and winston. Defaults to none, or to standard
   * error where the environment variable `NODE_DEBUG` names `alloydb`.
   */
  logger?: Logger | undefined
}

/** The names of all options. */
export const connectorOptionNames: readonly (keyof ConnectorOptions)[] = Object.keys({
  auth: true,
  loginAuth: true,
  impersonate: true,
  quotaProject: true,
  apiEndpoint: true,
  universeDomain: true,
  userAgent: true,
  ipType: true,
  authType: true,
  refreshStrategy: true,
  connectTimeoutMs: true,
  refreshTimeoutMs: true,
  keyPair: true,
  staticConnectionInfo: true,
  createConnection: true,
  maxConcurrentHandshakes: true,
  logger: true,
} satisfies Record<keyof ConnectorOptions, true>) as (keyof ConnectorOptions)[]
