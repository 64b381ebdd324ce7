import { GoogleError } from './google-error.ts'

/** Parses the body of a request to a Google API. @throws {GoogleError} INVALID_ARGUMENT. */
export function parseJsonObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Said below, as for any other value that is not an object.
  }
  throw new GoogleError('INVALID_ARGUMENT', 'Invalid JSON payload received.')
}
