import {
  checkOptionNames,
  checkShapes,
  parseAuthType,
  parseIpType,
  parsePositive,
  parseRefreshStrategy,
} from './connector-option-checks.ts'
import type { ConnectorOptions } from './connector-options.ts'
import type { CredentialsOptions } from './credentials-options.ts'
import type { AuthType, IpType } from './dialer.ts'
import { defaultUniverseDomain, parseEmulatorHost, parseEndpoint } from './endpoint.ts'
import { readKeyPair, type KeyPair } from './key-pair.ts'
import type { CreateConnection } from './open-transport.ts'
import { parseStaticConnectionInfo, type StaticInstances } from './static-connection-info.ts'
import { version } from './version.ts'

/** A connector's options, checked, with their defaults. */
export interface ConnectorSettings {
  readonly ipType: IpType
  readonly authType: AuthType
  readonly strategy: 'background' | 'lazy'
  readonly connectTimeoutMs: number
  readonly refreshTimeoutMs: number
  readonly maxConcurrentHandshakes: number
  readonly credentials: CredentialsOptions
  /** The Admin API's origin. */
  readonly endpoint: string
  /** The emulator's origin, where `ALLOYDB_EMULATOR_HOST` leads to it. */
  readonly emulator: string | undefined
  readonly userAgent: string
  readonly keyPair: KeyPair | undefined
  readonly staticInstances: StaticInstances | undefined
  readonly createConnection: CreateConnection | undefined
}

/** @throws ALLOYDB_INVALID_OPTION */
export function resolveSettings(options: ConnectorOptions, env: NodeJS.ProcessEnv): ConnectorSettings {
  checkOptionNames(options)
  checkShapes(options)
  const { apiEndpoint, universeDomain = defaultUniverseDomain, keyPair, staticConnectionInfo } = options
  const emulator = apiEndpoint === undefined ? parseEmulatorHost(env) : undefined
  return {
    ipType: parseIpType(options.ipType ?? 'PRIVATE'),
    authType: parseAuthType(options.authType ?? 'PASSWORD'),
    strategy: parseRefreshStrategy(options.refreshStrategy ?? 'auto', env),
    connectTimeoutMs: parsePositive('connectTimeoutMs', options.connectTimeoutMs ?? 30_000),
    refreshTimeoutMs: parsePositive('refreshTimeoutMs', options.refreshTimeoutMs ?? 60_000),
    maxConcurrentHandshakes: parsePositive('maxConcurrentHandshakes', options.maxConcurrentHandshakes ?? 6),
    credentials: copyCredentials(options),
    endpoint: emulator ?? parseEndpoint(apiEndpoint ?? `alloydb.${universeDomain}`),
    emulator,
    userAgent: [`alloydb-node-connector/${version}`, options.userAgent].filter(Boolean).join(' '),
    keyPair: keyPair === undefined ? undefined : readKeyPair(keyPair),
    staticInstances:
      staticConnectionInfo === undefined ? undefined : parseStaticConnectionInfo(staticConnectionInfo),
    createConnection: options.createConnection,
  }
}

/** They are read for as long as the connector lives, and whoever made them may go on changing the object that they came in. */
function copyCredentials(options: CredentialsOptions): CredentialsOptions {
  const { auth, loginAuth, impersonate, quotaProject, universeDomain } = options
  return { auth, loginAuth, impersonate: structuredClone(impersonate), quotaProject, universeDomain }
}
