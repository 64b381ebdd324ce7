// The declarations name Node's types, which no program has by itself.
/// <reference types="node" preserve="true" />
export type { Emulator, EmulatorOptions, PostgresExit, TokenSettings } from './emulator.ts'
export { startEmulator } from './start-emulator.ts'
export type { PostgresAddress } from './postgres-address.ts'
export { startPostgres, type PostgresServer } from './postgres-server.ts'
export type { ConnectionReport } from './connection-log.ts'
export type { DatabaseUser, IamUser, PasswordUser } from './cluster.ts'
export type { AuthorizedUser, EmulatorAuth, ExternalAccount, ServiceAccountKey } from './credentials.ts'
export type {
  AnswerFault,
  Bytes,
  CertificateFault,
  ConnectionInfoFault,
  Cut,
  ExchangeFault,
  Fault,
  FaultOf,
  FaultOptions,
  HttpFailure,
  HttpFault,
  PostgresFailure,
  PostgresFault,
  Replacement,
  TcpFault,
  Time,
  TlsAlert,
  TlsFailure,
  TlsFault,
  TokenFault,
} from './fault.ts'
export type { FaultHandle, Faults } from './faults.ts'
export type {
  ClockSkew,
  Deletion,
  Incident,
  IncidentOptions,
  InstanceIncidentOptions,
  Maintenance,
  Move,
  PostgresRestart,
} from './incident.ts'
export type { IncidentHandle } from './incidents.ts'
export type { Iam, IamOptions, Permission, Principal, Role } from './iam.ts'
export type { EmulatedInstance, InstanceAddresses, InstanceOptions, InstanceType } from './instance.ts'
export type { RecordedRequest, Step } from './request-log.ts'
