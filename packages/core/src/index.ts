// The declarations name Node's types, which no program has by itself.
/// <reference types="node" preserve="true" />
export { AlloyDBError, type AlloyDBErrorDetails } from './alloydb-error.ts'
export type { AlloyDBErrorCode } from './error-codes.ts'
export { Connector } from './connector.ts'
export type { ConnectorOptions, RefreshStrategy } from './connector-options.ts'
export type { Auth, AuthClientLike, Impersonation } from './credentials-options.ts'
export type { CacheEvent, DialEvent, RefreshEvent } from './diagnostics.ts'
export type { AuthType, ConnectOptions, Dialer, IpType } from './dialer.ts'
export { toIamUser } from './iam-user.ts'
export type { Logger } from './logger.ts'
export type { CreateConnection } from './open-transport.ts'
export type { StaticConnectionInfo } from './static-connection-info.ts'
