import { channel, tracingChannel, type Channel, type TracingChannel } from 'node:diagnostics_channel'
import type { AuthType, IpType } from './dialer.ts'

/** What is published on the tracing channel `alloydb:dial`; filled in as the dial goes on. */
export interface DialEvent {
  /** The connector that dials. */
  readonly connector: object
  readonly instance: string
  readonly ipType: IpType
  readonly authType: AuthType
  /** The address and port that were dialed, once known. */
  address?: string
  port?: number
  /** The phase that it is in, or was in when it ended. */
  phase?: 'connectionInfo' | 'tcp' | 'tls' | 'exchange'
  /** How long each phase took, in milliseconds, once it is over. `wait` is for the limit on handshakes. */
  readonly phases: Partial<Record<'connectionInfo' | 'tcp' | 'wait' | 'tls' | 'exchange', number>>
  /** The second try of a dial that failed and was worth it has 2. */
  attempts: number
  /** Set by diagnostics_channel when the dial has failed. */
  error?: unknown
}

/** What is published on the tracing channel `alloydb:refresh`; filled in as the refresh goes on. */
export interface RefreshEvent {
  /** The connector that refreshes. */
  readonly connector: object
  readonly instance: string
  /** How long each phase took, in milliseconds, once it is over. The last two run side by side. */
  readonly phases: Partial<Record<'keyPair' | 'connectionInfo' | 'certificate', number>>
  /** The new certificate's expiry, in milliseconds since the epoch. */
  expiresAt?: number
  /** Set by diagnostics_channel when the refresh has failed. */
  error?: unknown
}

/** What is published on the channel `alloydb:cache`. */
export interface CacheEvent {
  /** The connector whose cache it is. */
  readonly connector: object
  readonly instance: string
  /**
   * - `add`: the instance is dialed for the first time
   * - `remove`: the connector was closed
   * - `schedule`: the next refresh will start by itself, in `delayMs`
   * - `wait`: a refresh waits for the limit on refreshes, for `delayMs`
   */
  readonly action: 'add' | 'remove' | 'schedule' | 'wait'
  readonly delayMs?: number
}

/** Traces each connect, from the call to the socket. */
export const dialChannel: TracingChannel<object, DialEvent> = tracingChannel('alloydb:dial')
/** Traces each refresh of an instance's connection info. */
export const refreshChannel: TracingChannel<object, RefreshEvent> = tracingChannel('alloydb:refresh')
/** Tells what the connection-info caches do. */
export const cacheChannel: Channel = channel('alloydb:cache')

/** Measures how long a phase takes, into the event's phases. */
export async function timed<K extends string, T>(
  phases: Partial<Record<K, number>>,
  phase: K,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  try {
    return await work()
  } finally {
    phases[phase] = performance.now() - startedAt
  }
}
