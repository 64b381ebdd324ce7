import { readFileSync } from 'node:fs'
import { startEmulator, type Emulator, type EmulatorOptions } from '@alloydb/emulator'
import { JWT } from 'google-auth-library'
import { inspect } from 'node:util'
import { afterAll, afterEach, expect, inject } from 'vitest'
import { secret } from '../../../tooling/testing/secrets.ts'
import type {} from '../../../tooling/testing/shared-key-pair.ts'
import type {} from '../../../tooling/testing/shared-postgres.ts'
import { AlloyDBError, Connector, type ConnectorOptions } from '../src/index.ts'

/** An emulator for the tests of one file, and connectors for it that are closed after each test. */
export interface Harness {
  readonly emulator: Emulator
  /** Makes a connector that is pointed at the emulator, with the credentials of its default service account and a shared key. */
  openConnector(options?: ConnectorOptions): Connector
  /** How many calls the emulator has been asked for, since the last call of this. */
  countRequests(): Record<'connectionInfo' | 'certificate' | 'token' | 'tcp' | 'exchange', number>
}

export async function startHarness(options: EmulatorOptions = {}): Promise<Harness> {
  // No test machine is one of Google's: without this the credentials library looks for a metadata server, for seconds.
  process.env['METADATA_SERVER_DETECTION'] = 'none'
  const emulator = await startEmulator({ postgres: inject('postgres'), ...options })
  const connectors: Connector[] = []
  const log: string[] = []
  const logger = { debug: (line: string) => void log.push(line), warn: (line: string) => void log.push(line) }
  let counted = 0

  afterEach(async () => {
    await emulator.faults.reset()
    await Promise.all(connectors.splice(0).map((connector) => connector.close()))
    emulator.disconnectAll('RST')
    counted = emulator.requests.length
  })
  afterAll(async () => {
    await emulator.stop()
    expect(log.join('\n')).not.toMatch(secret)
  })

  return {
    emulator,
    openConnector(connectorOptions) {
      process.env['ALLOYDB_EMULATOR_HOST'] = emulator.host
      try {
        const connector = new Connector({
          auth: openJwt(emulator),
          keyPair: inject('keyPair'),
          logger,
          ...connectorOptions,
        })
        connectors.push(connector)
        return connector
      } finally {
        delete process.env['ALLOYDB_EMULATOR_HOST']
      }
    },
    countRequests() {
      const counts = { connectionInfo: 0, certificate: 0, token: 0, tcp: 0, exchange: 0 }
      for (const { step } of emulator.requests.slice(counted)) {
        if (step in counts) counts[step as keyof typeof counts] += 1
      }
      counted = emulator.requests.length
      return counts
    },
  }
}

function openJwt({ serviceAccount, auth }: Emulator): JWT {
  return new JWT({
    email: serviceAccount.client_email,
    key: serviceAccount.private_key,
    ...auth.clientOptions,
  })
}

/** Waits for a promise to fail, and gives its error, which has to say what docs/errors.md says that it says. */
export async function failureOf(promise: Promise<unknown>): Promise<AlloyDBError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!AlloyDBError.is(error)) {
    throw new Error(`expected an AlloyDBError, got: ${String(error)}`, { cause: error })
  }
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(secret)
  const isDocumented = documentedMessages(error.code).some((pattern) => pattern.test(error.summary))
  if (!isDocumented)
    throw new Error(`docs/errors.md does not have this message of ${error.code}: ${error.summary}`)
  return error
}

const errorsDocument = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')

/** The codes that docs/errors.md has a section for. */
export function documentedCodes(): string[] {
  return [...errorsDocument.matchAll(/^## (ALLOYDB_\w+)$/gm)].map(([, code]) => code ?? '')
}

/** The messages that docs/errors.md gives for a code, with `<…>` for what varies. */
function documentedMessages(code: string): RegExp[] {
  const section = errorsDocument.split(`## ${code}\n`)[1] ?? ''
  const block = /```text\n(.*?)\n```/s.exec(section)?.[1] ?? ''
  return block.split('\n').map((template) => {
    const parts = template.split(/<[^>]*>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('.+')}$`, 's')
  })
}
