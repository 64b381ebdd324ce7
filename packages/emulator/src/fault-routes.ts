import { parseFault } from './fault-parser.ts'
import type { FaultHandle, Faults } from './faults.ts'
import { parseIncident } from './incident-parser.ts'
import type { IncidentHandle } from './incidents.ts'
import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { RequestLog } from './request-log.ts'
import { parseJsonObject } from './parse-json-object.ts'

interface Services {
  faults: Faults
  log: RequestLog
}

/** Faults and requests for tests in other languages than JavaScript, in the same shapes. */
export function faultRoutes({ faults, log }: Services): Route[] {
  const find = (id: string): FaultHandle | IncidentHandle => {
    const found = faults.find(id)
    if (found) return found
    throw new GoogleError(
      'NOT_FOUND',
      `There is no fault "${id}". GET /emulator/faults lists those there are.`,
    )
  }
  return [
    route('POST', /^\/emulator\/faults$/, async (request) => ({
      status: 201,
      body: await add(request, faults),
    })),
    route('GET', /^\/emulator\/faults$/, () => ({
      body: { faults: faults.all, incidents: faults.incidents },
    })),
    route('DELETE', /^\/emulator\/faults$/, async () => {
      await faults.reset()
      return { body: {} }
    }),
    route('GET', /^\/emulator\/faults\/([^/]+)$/, ({ params }) => ({ body: find(params[0]!) })),
    route('DELETE', /^\/emulator\/faults\/([^/]+)$/, async ({ params }) => {
      const found = find(params[0]!)
      if ('remove' in found) found.remove()
      else await found.end()
      return { body: found }
    }),
    route('GET', /^\/emulator\/requests$/, () => ({ body: { requests: log.records } })),
  ]
}

function route(
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

async function add({ headers, body }: RoutedRequest, faults: Faults): Promise<FaultHandle | IncidentHandle> {
  // Nor can a page send this type without asking first.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new GoogleError(
      'INVALID_ARGUMENT',
      'Send the fault as JSON, with "content-type: application/json".',
    )
  }
  const given = parseJsonObject(body)
  try {
    if ('step' in given) return faults.add(parseFault(given))
    if ('incident' in given) return await faults.begin(parseIncident(given))
  } catch (error) {
    throw new GoogleError('INVALID_ARGUMENT', error instanceof Error ? error.message : String(error))
  }
  throw new GoogleError(
    'INVALID_ARGUMENT',
    'Give a "step" that is to fail, or an "incident" that is to begin.',
  )
}
