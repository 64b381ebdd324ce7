import { startHarness as startSharedHarness, type Harness } from '@alloydb-tooling/conformance'
import { createClient } from '@alloydb/pg'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'

/** The adapters' harness, with a database of the test file's own. */
export async function startHarness(database: string): Promise<Harness> {
  const harness = await startSharedHarness()
  const { connector, instance, login } = harness
  const client = createClient({ connector, instance, ...login })
  await client.connect()
  await client.query(`create database ${database}`)
  await client.end()
  return { ...harness, login: { ...login, database } }
}

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
