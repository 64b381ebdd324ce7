import type { AccessTokens } from './access-tokens.ts'
import { adminRoutes } from './admin-api.ts'
import { clientFileRoutes } from './client-files.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import type { Emulator } from './emulator.ts'
import { faultRoutes } from './fault-routes.ts'
import type { Route } from './http-router.ts'
import { iamRoutes } from './iam-routes.ts'
import type { InstanceRegistry } from './instance-registry.ts'
import { metadataRoutes } from './metadata-server.ts'
import type { RequestLog } from './request-log.ts'
import { tokenRoutes } from './token-service.ts'

/** What the routes are of, beside what {@link Emulator} has for its users. */
interface Services {
  readonly clock: Clock
  readonly credentials: Credentials
  readonly log: RequestLog
  readonly registry: InstanceRegistry
  readonly tokens: AccessTokens
  /** The service account that is attached to the machine. */
  readonly email: string
  readonly project: string
  /** Overrides the lifetime that callers ask for. */
  readonly certificateLifetimeMs: number | undefined
}

/** All that the emulator serves by HTTP. */
export function emulatorRoutes(emulator: Emulator, services: Services): Route[] {
  const { iam, faults } = emulator
  const { clock, credentials, log, tokens, email, project, certificateLifetimeMs } = services
  const { clusters, instances } = services.registry
  const host = (): string => emulator.host
  const access = { clock, iam, tokens, credentials }
  return [
    ...adminRoutes({ ...access, clusters, instances, certificateLifetimeMs }),
    ...tokenRoutes({ ...access, host }),
    ...metadataRoutes({ iam, tokens, email, project }),
    ...faultRoutes({ faults, log }),
    ...iamRoutes({
      iam,
      addDatabaseUser: (user, instance) => emulator.addDatabaseUser(user, instance),
      setIamAuthentication: (enabled, instance = emulator.instance) =>
        emulator.setIamAuthentication(instance, enabled),
    }),
    ...clientFileRoutes({
      caCertificate: () => emulator.caCertificate(),
      iam,
      email,
      credentialsOf: (principal) => credentials.of(principal),
      host,
    }),
  ]
}
