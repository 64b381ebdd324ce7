import { parseFault } from './fault-parser.ts'
import type { FaultHandle, Faults } from './faults.ts'
import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { RequestLog } from './request-log.ts'
import { InvalidFaultError } from './shape-reader.ts'
import { parseJsonObject } from './token-service.ts'

interface Services {
  faults: Faults
  log: RequestLog
}

/** Faults and requests for tests in other languages than JavaScript, in the same shapes. */
export function faultRoutes({ faults, log }: Services): Route[] {
  const find = (id: string): FaultHandle => {
    const found = faults.find(id)
    if (found) return found
    throw new GoogleError(
      'NOT_FOUND',
      `There is no fault "${id}". GET /emulator/faults lists those there are.`,
    )
  }
  return [
    route('POST', /^\/emulator\/faults$/, (request) => ({ status: 201, body: add(request, faults) })),
    route('GET', /^\/emulator\/faults$/, () => ({ body: { faults: faults.all } })),
    route('DELETE', /^\/emulator\/faults$/, () => {
      faults.clear()
      return { body: {} }
    }),
    route('GET', /^\/emulator\/faults\/([^/]+)$/, ({ params }) => ({ body: find(params[0]!) })),
    route('DELETE', /^\/emulator\/faults\/([^/]+)$/, ({ params }) => {
      const found = find(params[0]!)
      found.remove()
      return { body: found }
    }),
    route('GET', /^\/emulator\/requests$/, () => ({ body: { requests: log.records } })),
  ]
}

function route(
  method: Route['method'],
  pattern: RegExp,
  answer: (request: RoutedRequest) => RoutedResponse,
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

function add({ headers, body }: RoutedRequest, faults: Faults): FaultHandle {
  // Nor can a page send this type without asking first.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new GoogleError(
      'INVALID_ARGUMENT',
      'Send the fault as JSON, with "content-type: application/json".',
    )
  }
  try {
    return faults.add(parseFault(parseJsonObject(body)))
  } catch (error) {
    if (!(error instanceof InvalidFaultError)) throw error
    throw new GoogleError('INVALID_ARGUMENT', error.message)
  }
}
