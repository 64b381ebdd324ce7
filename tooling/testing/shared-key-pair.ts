import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A private key for a connector's `keyPair`, as PEM text. */
    keyPair: string
  }
}

/** Makes one key for all connectors of the tests: making one takes more of the CPU than most tests do. */
export default async function setup(project: TestProject): Promise<void> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  project.provide('keyPair', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
}
