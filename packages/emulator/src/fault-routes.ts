import { actOnJson, emulatorRoute } from './emulator-route.ts'
import { parseFault } from './fault-parser.ts'
import type { FaultHandle, Faults } from './faults.ts'
import { parseIncident } from './incident-parser.ts'
import type { IncidentHandle } from './incidents.ts'
import { GoogleError } from './google-error.ts'
import type { Route } from './http-router.ts'
import type { RequestLog } from './request-log.ts'

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
    emulatorRoute('POST', /^\/emulator\/faults$/, async (request) => ({
      status: 201,
      body: await actOnJson(request, (given) => add(given, faults)),
    })),
    emulatorRoute('GET', /^\/emulator\/faults$/, () => ({
      body: { faults: faults.all, incidents: faults.incidents },
    })),
    emulatorRoute('DELETE', /^\/emulator\/faults$/, async () => {
      await faults.reset()
      return { body: {} }
    }),
    emulatorRoute('GET', /^\/emulator\/faults\/([^/]+)$/, ({ params }) => ({ body: find(params[0]!) })),
    emulatorRoute('DELETE', /^\/emulator\/faults\/([^/]+)$/, async ({ params }) => {
      const found = find(params[0]!)
      if ('remove' in found) found.remove()
      else await found.end()
      return { body: found }
    }),
    emulatorRoute('GET', /^\/emulator\/requests$/, () => ({ body: { requests: log.records } })),
  ]
}

function add(
  given: Record<string, unknown>,
  faults: Faults,
): FaultHandle | IncidentHandle | Promise<IncidentHandle> {
  if ('step' in given) return faults.add(parseFault(given))
  if ('incident' in given) return faults.begin(parseIncident(given))
  throw new Error('Give a "step" that is to fail, or an "incident" that is to begin.')
}
