/** The statuses of google.rpc.Code that the emulator answers with. */
export type GoogleStatus =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'RESOURCE_EXHAUSTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'

const HTTP_STATUS: Readonly<Record<GoogleStatus, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
}

/** A `google.rpc.ErrorInfo`, without its type. */
export interface ErrorInfo {
  reason: string
  domain: string
  metadata?: Readonly<Record<string, string>>
}

/** An error of a Google API, as it travels: `{"error":{"code","message","status","details"}}`. */
export class GoogleError extends Error {
  override name = 'GoogleError'
  readonly status: GoogleStatus
  readonly info: ErrorInfo | undefined
  /** When it makes sense to try again. */
  readonly retryAfterSeconds: number | undefined

  constructor(status: GoogleStatus, message: string, info?: ErrorInfo, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.info = info
    this.retryAfterSeconds = retryAfterSeconds
  }

  get httpStatus(): number {
    return HTTP_STATUS[this.status]
  }

  toJSON(): unknown {
    const { httpStatus, status, message, info, retryAfterSeconds } = this
    return googleErrorBody(httpStatus, status, message, { info, retryAfterSeconds })
  }
}

export const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo'
export const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo'

interface ErrorDetails {
  info?: ErrorInfo | undefined
  retryAfterSeconds?: number | undefined
}

/** The body of an error response. */
export function googleErrorBody(
  code: number,
  status: string,
  message: string,
  { info, retryAfterSeconds }: ErrorDetails = {},
): unknown {
  const details = [
    ...(info ? [{ '@type': ERROR_INFO_TYPE, ...info }] : []),
    ...(retryAfterSeconds === undefined
      ? []
      : [{ '@type': RETRY_INFO_TYPE, retryDelay: `${retryAfterSeconds}s` }]),
  ]
  return { error: { code, message, status, ...(details.length > 0 && { details }) } }
}

/** The status that goes with an HTTP status code. */
export function statusOf(httpStatus: number): string {
  const entry = Object.entries(HTTP_STATUS).find(([, code]) => code === httpStatus)
  return entry?.[0] ?? 'UNKNOWN'
}
