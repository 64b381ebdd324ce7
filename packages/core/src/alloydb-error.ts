import { errorCodes, type AlloyDBErrorCode } from './error-codes.ts'

/** What an {@link AlloyDBError} says beside its code and its first line. */
export interface AlloyDBErrorDetails {
  /** What to do about it: the message's second line. */
  hint?: string | undefined
  /** The URI of the instance that the failed call was about. */
  instance?: string | undefined
  /** What led to it. */
  cause?: unknown
  /** The earliest time for another try, in milliseconds since the epoch, where the service named one. */
  retryAt?: number | undefined
  /** Whether the same call may succeed when it is made again. Defaults to what the code says. */
  retryable?: boolean | undefined
}

// Two copies of this package in one process must recognise each other's errors, which `instanceof` cannot do.
const marker = Symbol.for('@alloydb/core/AlloyDBError')

/**
 * The one error that this package throws.
 *
 * `message` stands alone: its first line says what failed and for which instance, its second what to do. It never holds
 * a token or a key. Errors of PostgreSQL itself are the driver's and pass through untouched.
 */
export class AlloyDBError extends Error {
  /** A stable name for the failure. */
  readonly code: AlloyDBErrorCode
  /** What failed: the message's first line. */
  readonly summary: string
  /** What to do about it: the message's second line. */
  readonly hint: string | undefined
  /** The URI of the instance that the failed call was about. */
  readonly instance: string | undefined
  /** Whether the same call may succeed when it is made again without any change. */
  readonly retryable: boolean
  /** The earliest time for another try, in milliseconds since the epoch, where the service named one. */
  readonly retryAt: number | undefined

  constructor(code: AlloyDBErrorCode, summary: string, details: AlloyDBErrorDetails = {}) {
    const { hint, instance, cause, retryAt, retryable } = details
    super(hint === undefined ? summary : `${summary}\n${hint}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.summary = summary
    this.hint = hint
    this.instance = instance
    this.retryable = retryable ?? errorCodes[code].retryable
    this.retryAt = retryAt
    Object.defineProperty(this, marker, { value: true })
  }

  static {
    // On the prototype, as the built-in errors have it: not a field that `inspect` would print each time.
    Object.defineProperty(this.prototype, 'name', {
      value: 'AlloyDBError',
      configurable: true,
      writable: true,
    })
  }

  /**
   * Tells whether a value is an AlloyDBError, of any copy of this package, and of the given code if one is given.
   */
  static is(value: unknown): value is AlloyDBError
  static is<C extends AlloyDBErrorCode>(value: unknown, code: C): value is AlloyDBError & { readonly code: C }
  static is(value: unknown, code?: AlloyDBErrorCode): boolean {
    return (
      value instanceof Error &&
      marker in value &&
      (code === undefined || (value as { code?: unknown }).code === code)
    )
  }
}

/**
 * Copies an error, so that each of the callers who waited for one failed refresh gets an object of its own: pools write
 * to the errors that they pass on.
 */
export function copyError(error: AlloyDBError): AlloyDBError {
  const { code, summary, ...details } = error
  // A newer copy of this package may have made it, with a code that this one does not know.
  return new AlloyDBError(code, summary, { cause: error.cause, ...details })
}
