import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

export const CLOUD_PLATFORM_SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
/** The scope of the IAM APIs. */
export const IAM_SCOPE = 'https://www.googleapis.com/auth/iam'
export const LOGIN_SCOPE = 'https://www.googleapis.com/auth/alloydb.login'

// Expired ones are dropped from so many on; until then, who comes with one is told that it has expired.
const KEPT = 1_000

/** What an access token stands for. */
export interface AccessToken {
  value: string
  principal: string
  scopes: readonly string[]
  /** In milliseconds since the epoch, by the clock of the service. */
  expiresAt: number
  clock: Clock
}

/** The access tokens that have been issued. */
export class AccessTokens {
  /** The lifetime of tokens for which none is asked; one second less than an hour, as Google says it. */
  lifetimeMs = 3_599_000

  readonly #issued = new Map<string, AccessToken>()
  readonly #clock: Clock
  #sweepAt = KEPT

  constructor(clock: Clock) {
    this.#clock = clock
  }

  issue(principal: string, scopes: readonly string[], lifetimeMs: number = this.lifetimeMs): AccessToken {
    const value = `ya29.emulator-${randomBytes(32).toString('base64url')}`
    const clock = this.#clock
    const token = { value, principal, scopes, expiresAt: clock.now() + lifetimeMs, clock }
    this.#issued.set(value, token)
    if (this.#issued.size > this.#sweepAt) this.#forgetExpired()
    return token
  }

  /** The token, also when it has expired: whoever asks may want to say so. */
  find(value: string): AccessToken | undefined {
    return this.#issued.get(value)
  }

  /** Makes every token that has been issued unknown. */
  revokeAll(): void {
    this.#issued.clear()
  }

  #forgetExpired(): void {
    for (const [value, token] of this.#issued) if (isExpired(token)) this.#issued.delete(value)
    this.#sweepAt = KEPT + 2 * this.#issued.size
  }
}

export function isExpired(token: AccessToken): boolean {
  return token.expiresAt <= token.clock.now()
}

export function hasScope(token: AccessToken, ...accepted: readonly string[]): boolean {
  return token.scopes.some((scope) => accepted.includes(scope))
}

export function secondsLeft(token: AccessToken): number {
  return Math.floor((token.expiresAt - token.clock.now()) / 1000)
}
