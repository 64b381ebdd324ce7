import type { KeyObject } from 'node:crypto'
import { AlloyDBError } from './alloydb-error.ts'
import type { Auth, Impersonation } from './credentials-options.ts'
import type { AuthType, IpType } from './dialer.ts'
import { property } from './property.ts'
import type { Logger } from './logger.ts'
import type { CreateConnection } from './open-transport.ts'
import type { StaticConnectionInfo } from './static-connection-info.ts'

/** When connection info is refreshed; see {@link ConnectorOptions.refreshStrategy}. */
export type RefreshStrategy = 'background' | 'lazy' | 'auto'

/** Options of a connector. All have defaults. */
export interface ConnectorOptions {
  /**
   * The credentials: a `GoogleAuth` or a client of google-auth-library. Defaults to Application Default Credentials
   * (environment variable `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's file, the attached service account).
   */
  auth?: Auth | undefined
  /** The credentials to log in with, where they are others. Defaults to `auth`, asking for `alloydb.login` alone. */
  loginAuth?: Auth | undefined
  /** A service account to act as, for the Admin API and to log in. Defaults to none. */
  impersonate?: Impersonation | undefined
  /** The project whose quota the Admin API calls use. Defaults to that of the credentials. */
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
  /** The limit on TCP, TLS and the metadata exchange together, in milliseconds. Defaults to 30,000. */
  connectTimeoutMs?: number | undefined
  /** The limit on one refresh, in milliseconds. Defaults to 60,000. */
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
  /** How many TLS handshakes with one instance may run at once. Defaults to 12. */
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

const ipTypes: readonly IpType[] = ['PRIVATE', 'PUBLIC', 'PSC']
const authTypes: readonly AuthType[] = ['PASSWORD', 'IAM']
const refreshStrategies: readonly RefreshStrategy[] = ['background', 'lazy', 'auto']

/** Set where the CPU gets no time between requests. */
const throttledEnvironments = ['K_SERVICE', 'FUNCTION_TARGET', 'AWS_LAMBDA_FUNCTION_NAME', 'VERCEL']

/** Reads an IP type, in any case. */
export function parseIpType(value: unknown): IpType {
  return parseChoice('ipType', value, ipTypes, (text) => text.toUpperCase())
}

/** Reads an auth type, in any case. */
export function parseAuthType(value: unknown): AuthType {
  return parseChoice('authType', value, authTypes, (text) => text.toUpperCase())
}

/** Reads a refresh strategy and decides what `'auto'` is here. */
export function parseRefreshStrategy(value: unknown, env: NodeJS.ProcessEnv): 'background' | 'lazy' {
  const strategy = parseChoice('refreshStrategy', value, refreshStrategies, (text) => text.toLowerCase())
  if (strategy !== 'auto') return strategy
  return throttledEnvironments.some((name) => env[name]) ? 'lazy' : 'background'
}

/** Reads a whole number of at least 1. */
export function parsePositive(name: keyof ConnectorOptions, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 31 - 1)
    return value
  throw invalidOption(name, value, 'a whole number from 1 to 2147483647')
}

/** What the options that are passed on as they are have to be. */
const shapes: Partial<Record<keyof ConnectorOptions, [test: (value: unknown) => boolean, expected: string]>> =
  {
    auth: [isAuth, 'a GoogleAuth, or a client of google-auth-library'],
    loginAuth: [isAuth, 'a GoogleAuth, or a client of google-auth-library'],
    impersonate: [
      (value) => isText(property(value, 'targetPrincipal')),
      '{ targetPrincipal: "<e-mail of a service account>", delegates? }',
    ],
    quotaProject: [isText, 'the ID of a project'],
    apiEndpoint: [isText, 'a host or an https:// URL'],
    universeDomain: [(value) => typeof value === 'string' && /^[\w-]+(\.[\w-]+)+$/.test(value), 'a domain'],
    userAgent: [isText, 'printable text'],
    createConnection: [isFunction, 'a function (host, port, signal) => Duplex'],
    logger: [
      (value) => isFunction(property(value, 'debug')) && isFunction(property(value, 'warn')),
      'an object with the methods debug and warn',
    ],
  }

/** Refuses what could only fail later, and less clearly. */
export function checkShapes(options: ConnectorOptions): void {
  for (const [name, [test, expected]] of Object.entries(shapes)) {
    const value: unknown = property(options, name)
    if (value !== undefined && !test(value)) {
      throw invalidOption(name as keyof ConnectorOptions, value, expected)
    }
  }
}

function isAuth(value: unknown): boolean {
  return isFunction(property(value, 'getClient')) || isFunction(property(value, 'getRequestHeaders'))
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Text that may stand in an HTTP header. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
}

/** Refuses options that do not exist: a misspelt one would be without effect, and nobody would know. */
export function checkOptionNames(options: object): void {
  for (const name of Object.keys(options)) {
    if (!(connectorOptionNames as readonly string[]).includes(name)) {
      throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `The connector has no option "${name}".`, {
        hint: `It has: ${connectorOptionNames.join(', ')}.`,
      })
    }
  }
}

function parseChoice<T extends string>(
  name: keyof ConnectorOptions,
  value: unknown,
  choices: readonly T[],
  normalise: (text: string) => string,
): T {
  const found = typeof value === 'string' ? choices.find((choice) => choice === normalise(value)) : undefined
  if (found === undefined) {
    throw invalidOption(name, value, choices.map((choice) => `"${choice}"`).join(', '))
  }
  return found
}

function invalidOption(name: keyof ConnectorOptions, value: unknown, expected: string): AlloyDBError {
  // Never an object's content: it may be a credential.
  const isPlain = ['number', 'boolean', 'bigint'].includes(typeof value) || value === null
  const shown = typeof value === 'string' ? JSON.stringify(value) : isPlain ? String(value) : typeof value
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid ${name}: ${shown}.`, {
    hint: `Expected ${expected}.`,
  })
}
