import { Connector, type ConnectOptions, type Dialer } from '@alloydb/core'
import { startEmulator, type Emulator, type EmulatorOptions } from '@alloydb/emulator'
import { JWT } from 'google-auth-library'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, inject, onTestFinished } from 'vitest'
import type {} from '../../testing/shared-key-pair.ts'
import type {} from '../../testing/shared-postgres.ts'

/** An emulator for the tests of one file. */
export interface Harness {
  readonly emulator: Emulator
  readonly instance: string
  /** Who logs in with a password. */
  readonly login: { user: string; password: string; database: string }
  /**
   * Options for a connector of one's own: the credentials of the emulator's default service account, and a key that is
   * made already.
   */
  readonly identity: { auth: JWT; keyPair: string }
  /** A connector for all tests. */
  readonly connector: Connector
}

export async function startHarness(options: Pick<EmulatorOptions, 'instances'> = {}): Promise<Harness> {
  const emulator = await startEmulator({ ...options, postgres: inject('postgres') })
  process.env['ALLOYDB_EMULATOR_HOST'] = emulator.host
  const auth = new JWT({
    email: emulator.serviceAccount.client_email,
    key: emulator.serviceAccount.private_key,
    ...emulator.auth.clientOptions,
  })
  const identity = { auth, keyPair: inject('keyPair') }
  const connector = new Connector(identity)
  beforeAll(() => {
    process.env['ALLOYDB_EMULATOR_HOST'] = emulator.host // again: a file may have more than one harness
  })
  afterEach(() => emulator.faults.clear())
  afterAll(async () => {
    await connector.close()
    await emulator.stop()
  })
  return {
    emulator,
    instance: emulator.instance,
    login: { user: 'postgres', password: 'postgres', database: 'postgres' },
    identity,
    connector,
  }
}

/** A dialer that does as `connect` says, and records it. */
export interface RecordingDialer extends Dialer {
  connect: Dialer['connect']
  readonly options: ConnectOptions[]
  readonly signals: AbortSignal[]
  readonly sockets: TLSSocket[]
  readonly failures: unknown[]
}

export function recordDials(connect: Dialer['connect']): RecordingDialer {
  const dialer: RecordingDialer = {
    options: [],
    signals: [],
    sockets: [],
    failures: [],
    async connect(instance, options = {}) {
      dialer.options.push(options)
      if (options.signal) dialer.signals.push(options.signal)
      try {
        const socket = await connect(instance, options)
        dialer.sockets.push(socket)
        return socket
      } catch (error) {
        dialer.failures.push(error)
        throw error
      }
    },
  }
  return dialer
}

/** Dials for ever, unless it is aborted. */
export const hang: Dialer['connect'] = (_, options) =>
  new Promise((_, reject) => {
    const { signal } = options ?? {}
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })

/** Waits for a promise to fail, and gives its error. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const outcome: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(outcome instanceof Error)) throw new Error('expected a failure')
  return outcome
}

/** Sets environment variables for the time of one test. */
export function setEnvironment(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    onTestFinished(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}
