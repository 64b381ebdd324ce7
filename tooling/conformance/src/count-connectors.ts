import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'

/** What the connectors have done since the test began. */
export interface ConnectorCounts {
  /** How many have dialed. */
  readonly dialed: number
  /** How many of those are closed again. */
  readonly closed: number
}

/** Counts connectors for the time of one test. */
export function countConnectors(): ConnectorCounts {
  const dialed = new Set<unknown>()
  const closed = new Set<unknown>()
  const onDial = (event: unknown): void => void dialed.add((event as { connector: unknown }).connector)
  const onCache = (event: unknown): void => {
    const { action, connector } = event as { action: string; connector: unknown }
    if (action === 'remove') closed.add(connector)
  }
  subscribe('tracing:alloydb:dial:start', onDial)
  subscribe('alloydb:cache', onCache)
  onTestFinished(() => {
    unsubscribe('tracing:alloydb:dial:start', onDial)
    unsubscribe('alloydb:cache', onCache)
  })
  return {
    get dialed() {
      return dialed.size
    },
    get closed() {
      return closed.size
    },
  }
}
