import { Connector } from '@alloydb/core'
import { startEmulator, type Emulator } from '@alloydb/emulator'
import { createClient } from '@alloydb/pg'
import { JWT } from 'google-auth-library'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, afterEach, inject, onTestFinished } from 'vitest'
import type {} from '../../../tooling/testing/shared-postgres.ts'

/** An emulator for the tests of one file. */
export interface Harness {
  readonly emulator: Emulator
  readonly instance: string
  /** Who logs in with a password, to a database of this file's own. */
  readonly login: { user: string; password: string; database: string }
  /** A connector option: the credentials of the emulator's default service account. */
  readonly auth: JWT
  /** A connector for all tests. */
  readonly connector: Connector
}

export async function startHarness(database: string): Promise<Harness> {
  const emulator = await startEmulator({ postgres: inject('postgres') })
  process.env['ALLOYDB_EMULATOR_HOST'] = emulator.host
  const { instance } = emulator
  const auth = new JWT({
    email: emulator.serviceAccount.client_email,
    key: emulator.serviceAccount.private_key,
    ...emulator.auth.clientOptions,
  })
  const connector = new Connector({ auth })
  const login = { user: 'postgres', password: 'postgres', database }
  const client = createClient({ connector, instance, ...login, database: 'postgres' })
  await client.connect()
  await client.query(`create database ${database}`)
  await client.end()
  afterEach(() => emulator.faults.clear())
  afterAll(async () => {
    await connector.close()
    await emulator.stop()
  })
  return { emulator, instance, login, auth, connector }
}

/** Waits for a promise to fail, and gives its error. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const outcome: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(outcome instanceof Error)) throw new Error('expected a failure')
  return outcome
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
