import type { ServiceAccountKey } from './credentials.ts'
import type { Route } from './http-router.ts'

interface Services {
  caCertificate: () => Promise<string>
  serviceAccount: () => ServiceAccountKey
  /** The Admin API's own host and port. */
  host: () => string
}

/** The files that clients in other languages are told by: whom to trust, and who they are. */
export function clientFileRoutes({ caCertificate, serviceAccount, host }: Services): Route[] {
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
      handle: ({ headers }) => {
        // Where a client has found us is where it finds the token endpoint, too.
        const token_uri = `http://${headers['host'] ?? host()}/token`
        return Promise.resolve({ body: { ...serviceAccount(), token_uri } })
      },
    },
  ]
}
