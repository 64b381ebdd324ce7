import type { Reporter } from 'vitest/node'
import { secret } from './secrets.ts'

type ConsoleLog = Parameters<NonNullable<Reporter['onUserConsoleLog']>>[0]

/** Fails the whole run when anything that a test, or what it tests, prints by `console` has a secret in it. */
export default class SecretReporter implements Reporter {
  onUserConsoleLog({ content, type }: ConsoleLog): void {
    if (!secret.test(content)) return
    console.error(`The last output to ${type} has a secret in it: a token, a key or a certificate.`)
    process.exitCode = 1
  }
}
