import type { HttpFailure } from './fault.ts'
import { googleErrorBody, statusOf, type GoogleError } from './google-error.ts'

/** The error of a Google API that a fault asks for. `own`: the service's own error of that reason, for what the fault leaves open. */
export function googleFailure(failure: HttpFailure, own?: GoogleError): unknown {
  const { status, reason, retryAfterSeconds } = failure
  const { message = own?.message ?? 'The emulator was told to fail.', metadata = own?.info?.metadata } =
    failure
  const domain = own?.info?.domain ?? 'googleapis.com'
  const info = reason === undefined ? undefined : { reason, domain, ...(metadata && { metadata }) }
  return googleErrorBody(status, statusOf(status), message, { info, retryAfterSeconds })
}
