import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import { parseJsonObject } from './parse-json-object.ts'

/** A route of the emulator's own, below `/emulator`: for tests in whatever language, and not for web pages. */
export function emulatorRoute(
  method: Route['method'],
  pattern: RegExp,
  answer: (request: RoutedRequest) => RoutedResponse | Promise<RoutedResponse>,
): Route {
  return {
    method,
    pattern,
    handle: async (request) => {
      refuseWebPages(request)
      return answer(request)
    },
  }
}

/** A page in a browser of this machine may send requests here, but none without saying where it is from. */
function refuseWebPages({ headers }: RoutedRequest): void {
  if (headers['origin'] === undefined) return
  throw new GoogleError('PERMISSION_DENIED', 'Web pages may not do this.')
}

/**
 * Does what the request's JSON asks for.
 *
 * @throws {GoogleError} INVALID_ARGUMENT, with whatever `act` says of it
 */
export async function actOnJson<T>(
  { headers, body }: RoutedRequest,
  act: (given: Record<string, unknown>) => T | Promise<T>,
): Promise<T> {
  // Nor can a page send this type without asking first.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new GoogleError('INVALID_ARGUMENT', 'Send it as JSON, with "content-type: application/json".')
  }
  const given = parseJsonObject(body)
  try {
    return await act(given)
  } catch (error) {
    throw new GoogleError('INVALID_ARGUMENT', error instanceof Error ? error.message : String(error))
  }
}
