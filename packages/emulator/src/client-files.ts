import type { EmulatorAuth } from './credentials.ts'
import { emulatorRoute } from './emulator-route.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { Iam } from './iam.ts'
import { unknownPrincipal } from './iam-routes.ts'

interface Services {
  caCertificate: () => Promise<string>
  iam: Iam
  /** The first service account. */
  email: string
  credentialsOf: (principal: string) => Promise<EmulatorAuth['credentials']>
  /** The Admin API's own host and port. */
  host: () => string
}

/** The files that clients in other languages are told by: whom to trust, and who they are. */
export function clientFileRoutes({ caCertificate, iam, email, credentialsOf, host }: Services): Route[] {
  const answer = async ({ headers }: RoutedRequest, principal: string): Promise<RoutedResponse> => {
    // Where a client has found us is where it finds the token endpoint, too.
    return { body: directTo(headers['host'] ?? host(), await credentialsOf(principal)) }
  }
  return [
    {
      method: 'GET',
      pattern: /^\/emulator\/ca\.pem$/,
      handle: async () => ({ body: await caCertificate() }),
    },
    {
      // Node's connector has the metadata server's paths in its place.
      method: 'GET',
      pattern: /^\/emulator\/service-account\.json$/,
      handle: (request) => answer(request, email),
    },
    emulatorRoute('GET', /^\/emulator\/credentials\/(.+)\.json$/, (request) => {
      const principal = request.params[0]!
      if (!iam.has(principal)) throw unknownPrincipal(principal)
      return answer(request, principal)
    }),
  ]
}

function directTo(host: string, credentials: EmulatorAuth['credentials']): unknown {
  switch (credentials.type) {
    case 'service_account':
    case 'authorized_user':
      // A user's file as Google's own tools write it has no such field, and not every client library looks for it.
      return { ...credentials, token_uri: `http://${host}/token` }
    case 'external_account': {
      const { pathname } = new URL(credentials.credential_source.url)
      const credential_source = { url: `http://${host}${pathname}` }
      return { ...credentials, token_url: `http://${host}/v1/token`, credential_source }
    }
  }
}
