import type { AccessTokens } from './access-tokens.ts'
import { authenticate } from './authenticate.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import type { HttpFailure } from './fault.ts'
import { GoogleError } from './google-error.ts'
import type { RoutedRequest } from './http-router.ts'
import { googleFailure } from './http-failure.ts'
import { permissionDenied, type Iam, type Permission } from './iam.ts'

const SERVICE = 'alloydb.googleapis.com'

/** What decides on who may call the Admin API. */
export interface AccessServices {
  iam: Iam
  tokens: AccessTokens
  credentials: Credentials
  clock: Clock
}

/**
 * Makes the checks that come before any look at the resource, in the service's order, and returns who calls.
 *
 * @throws {GoogleError} UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED.
 */
export async function authorize(
  request: RoutedRequest,
  { iam, tokens, credentials, clock }: AccessServices,
  permission: Permission,
  resource: string,
): Promise<string> {
  const project = resource.split('/')[1]!
  const { principal } = await authenticate(request, { iam, tokens, credentials, clock, service: SERVICE })
  const quotaProject = request.headers['x-goog-user-project']
  if (quotaProject && !iam.allows(principal, 'serviceusage.services.use')) {
    throw userProjectDenied(quotaProject)
  }
  if (iam.apiDisabled) throw serviceDisabled(quotaProject ?? project)
  iam.spendQuota(principal, project)
  iam.require(principal, permission, resource)
  return principal
}

/** The body of an error that a fault asks for: with the details that the service gives for its reason. */
export async function failAsService(
  failure: HttpFailure,
  request: RoutedRequest,
  services: AccessServices,
  permission: Permission,
  resource: string,
): Promise<unknown> {
  switch (failure.reason) {
    case 'SERVICE_DISABLED': {
      const project = request.headers['x-goog-user-project'] ?? resource.split('/')[1]!
      return googleFailure(failure, serviceDisabled(project))
    }
    case 'IAM_PERMISSION_DENIED': {
      const caller = await authenticate(request, { ...services, service: SERVICE }).catch(() => undefined)
      return googleFailure(failure, permissionDenied(permission, resource, caller?.principal))
    }
    default:
      return googleFailure(failure)
  }
}

export function notFound(resource: string): GoogleError {
  return new GoogleError('NOT_FOUND', `Resource '${resource}' was not found`, {
    reason: 'RESOURCE_NOT_FOUND',
    domain: SERVICE,
    metadata: { resource },
  })
}

function serviceDisabled(project: string): GoogleError {
  const activationUrl = `https://console.developers.google.com/apis/api/${SERVICE}/overview?project=${project}`
  return new GoogleError(
    'PERMISSION_DENIED',
    `AlloyDB API has not been used in project ${project} before or it is disabled. Enable it by visiting ` +
      `${activationUrl} then retry. If you enabled this API recently, wait a few minutes for the action to ` +
      'propagate to our systems and retry.',
    {
      reason: 'SERVICE_DISABLED',
      domain: 'googleapis.com',
      metadata: { service: SERVICE, consumer: `projects/${project}`, activationUrl },
    },
  )
}

function userProjectDenied(project: string): GoogleError {
  return new GoogleError(
    'PERMISSION_DENIED',
    `Caller does not have required permission to use project ${project}. Grant the caller the ` +
      'roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission.',
    {
      reason: 'USER_PROJECT_DENIED',
      domain: 'googleapis.com',
      metadata: { service: SERVICE, consumer: `projects/${project}` },
    },
  )
}
