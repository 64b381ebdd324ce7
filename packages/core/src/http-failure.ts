import { messageOf } from './message-of.ts'
import { property } from './property.ts'

/**
 * What can be told of a failed HTTP call without giving away what it sent: the error objects of HTTP clients hold the
 * request, and so its tokens and keys. Only this description travels further.
 */
export interface HttpFailure {
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined
  /** The answer's body, parsed where it was JSON. */
  readonly body: unknown
  /** The earliest time for another try, in milliseconds since the epoch, from `Retry-After`. */
  readonly retryAt: number | undefined
  /** The failure as an error that is safe to keep as a cause. */
  readonly cause: Error
}

export function describeHttpFailure(error: unknown): HttpFailure {
  const response = property(error, 'response')
  const status = property(response, 'status')
  const headers = property(response, 'headers')
  // The library's own `Headers`, or Node's; a plain object in older versions.
  const get = property(headers, 'get')
  const retryAfter: unknown =
    typeof get === 'function' ? get.call(headers, 'retry-after') : property(headers, 'retry-after')
  return {
    status: typeof status === 'number' ? status : undefined,
    body: property(response, 'data'),
    retryAt: typeof retryAfter === 'string' ? parseRetryAfter(retryAfter, Date.now()) : undefined,
    cause: safeError(error),
  }
}

/** A service that asks for more is asked again after this. */
const longestRetryAfterMs = 60 * 60_000

/** Parses a `Retry-After` header: seconds, or a date. */
function parseRetryAfter(value: string, now: number): number | undefined {
  const at = /^\d+$/.test(value.trim()) ? now + Number(value) * 1_000 : Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.min(at, now + longestRetryAfterMs)
}

/**
 * Copies of an error just what is safe to print: its name, its code and its message without query strings and tokens. `fetch` says
 * what went wrong in the cause of a cause alone.
 */
function safeError(error: unknown): Error {
  const chain = causesOf(error)
  const [message, root] = [messageOf(error), messageOf(chain.at(-1))]
  const isSaid = chain.length === 1 || message.includes(root) || !(chain.at(-1) instanceof Error)
  const said = isSaid ? message : `${message}: ${root}`
  const copy = new Error(said.replace(/Bearer\s[^"]*/gi, 'Bearer …').replace(/\?[^\s,]*/g, '?…'))
  copy.name = error instanceof Error ? error.name : 'Error'
  const code = chain.map((link) => property(link, 'code')).find((found) => typeof found === 'string')
  return typeof code === 'string' ? Object.assign(copy, { code }) : copy
}

const longestChain = 5

/** An error, its cause, the cause of that, and so on. */
function causesOf(error: unknown): unknown[] {
  const chain = [error]
  for (let cause = property(error, 'cause'); cause !== undefined; cause = property(cause, 'cause')) {
    if (chain.push(cause) === longestChain) break
  }
  return chain
}
