import type { Cut } from './fault.ts'
import type { InstanceAddresses } from './instance.ts'

/** What every incident may say. */
export interface IncidentOptions {
  /** Ends the incident after so long. Defaults to never, until it is ended. */
  forMs?: number | undefined
}

/** What every incident of one instance may say. */
export interface InstanceIncidentOptions extends IncidentOptions {
  /** The instance URI. Defaults to the first instance. */
  instance?: string | undefined
}

/** All connections to the instance are cut, and new ones are refused, until it is over. The Admin API still answers. */
export interface Maintenance extends InstanceIncidentOptions {
  incident: 'maintenance'
  /** How connections are cut. Defaults to an orderly end. */
  close?: Cut | undefined
}

/**
 * PostgreSQL restarts behind the server-side proxy: its sessions end with the error 57P01, and new ones get 57P03 until it
 * is over. The server process itself goes on, since others may use it.
 */
export interface PostgresRestart extends InstanceIncidentOptions {
  incident: 'postgresRestart'
}

/** The instance moves to other addresses, and back when it is over: connections are cut, certificates are for the new ones. */
export interface Move extends InstanceIncidentOptions {
  incident: 'move'
  /** Those that change. */
  addresses: InstanceAddresses
}

/**
 * The instance is deleted: connections are cut and the Admin API knows it no longer. When that is over it has been made
 * again under its URI: with another uid, at the given addresses, with its data as from a backup.
 */
export interface Deletion extends InstanceIncidentOptions {
  incident: 'deletion'
  /** Whether its cluster is deleted too, with all instances; the one that is made again has another CA. Defaults to `false`. */
  cluster?: boolean | undefined
  /** Where the instance is when it has been made again. Defaults to where it was. */
  addresses?: InstanceAddresses | undefined
}

/**
 * The service's clock differs from this machine's until it is over. Tokens and certificates are issued and judged by it; what
 * is issued is not valid a moment earlier.
 */
export interface ClockSkew extends IncidentOptions {
  incident: 'clockSkew'
  /** By how much the service's clock is ahead; negative where it is behind. */
  skewMs: number
}

/** Something that happens to an instance, or to the service, and holds for a time. */
export type Incident = Maintenance | PostgresRestart | Move | Deletion | ClockSkew
