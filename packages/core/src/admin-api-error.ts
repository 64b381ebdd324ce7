import { AlloyDBError, type AlloyDBErrorDetails } from './alloydb-error.ts'
import type { AlloyDBErrorCode } from './error-codes.ts'
import type { HttpFailure } from './http-failure.ts'
import { property } from './property.ts'
import type { InstanceUri } from './instance-uri.ts'

/** The role that holds each permission that connecting needs. */
const roles: Readonly<Record<string, string>> = {
  'alloydb.instances.connect': 'roles/alloydb.client',
  'alloydb.clusters.generateClientCertificate': 'roles/alloydb.client',
  'alloydb.users.login': 'roles/alloydb.databaseUser',
  'serviceusage.services.use': 'roles/serviceusage.serviceUsageConsumer',
}

/**
 * Turns a failed Admin API call into an error that says what to do.
 *
 * @param resource what was asked for: where it does not exist, that part of the URI is the likely wrong one
 * @param principal whose credentials they are, where that is known
 * @see https://cloud.google.com/apis/design/errors for the shape of the answers
 */
export function adminApiError(
  failure: HttpFailure,
  instance: InstanceUri,
  resource: 'instance' | 'cluster',
  principal: string = 'the principal of the credentials',
): AlloyDBError {
  const { status, body, retryAt, cause } = failure
  const google = property(body, 'error')
  const said = property(google, 'message')
  const message = typeof said === 'string' ? said.replace(/\s+/g, ' ').trim() : cause.message
  const make = (
    code: AlloyDBErrorCode,
    summary: string,
    hint: string,
    more?: AlloyDBErrorDetails,
  ): AlloyDBError => new AlloyDBError(code, summary, { instance: instance.name, hint, cause, ...more })
  const about = `instance "${instance.name}"`

  switch (status) {
    case 400:
      return make(
        'ALLOYDB_INVALID_REQUEST',
        `The Admin API refused the request for ${about}: ${message}`,
        'Check the project, region, cluster and instance of the URI.',
      )
    case 401:
      return make(
        'ALLOYDB_UNAUTHENTICATED',
        `The Admin API did not accept the credentials' token for ${about}: ${message}`,
        'Check that the credentials are of this universe and not revoked; run `gcloud auth application-default login` for a user.',
      )
    case 403:
      return forbidden(errorInfo(google), message, instance, principal, make)
    case 404:
      return make(
        'ALLOYDB_INSTANCE_NOT_FOUND',
        `There is no ${about}: ${message}`,
        `Check the ${resource === 'instance' ? 'instance' : 'project, the region and the cluster'} of the URI; \`gcloud alloydb instances list --project=${instance.project} --region=- --cluster=-\` lists what is there.`,
      )
    case 429:
      return make(
        'ALLOYDB_QUOTA_EXCEEDED',
        `The Admin API's quota is used up, so ${about} could not be refreshed: ${message}`,
        'It will be tried again. Share one connector per process, or ask for more of the AlloyDB API quota of this project.',
        { retryAt },
      )
    case undefined:
      return make(
        'ALLOYDB_ADMIN_API_UNAVAILABLE',
        `The Admin API could not be reached for ${about}: ${message}`,
        'It will be tried again. Check that this machine reaches alloydb.googleapis.com over HTTPS, through a proxy if it needs one.',
      )
    default:
      return make(
        'ALLOYDB_ADMIN_API_UNAVAILABLE',
        `The Admin API failed for ${about} (HTTP ${status}): ${message}`,
        'It will be tried again.',
        { retryAt },
      )
  }
}

function forbidden(
  info: { reason: unknown; metadata: unknown },
  message: string,
  instance: InstanceUri,
  principal: string,
  make: (code: AlloyDBErrorCode, summary: string, hint: string) => AlloyDBError,
): AlloyDBError {
  const about = `instance "${instance.name}"`
  if (info.reason === 'SERVICE_DISABLED') {
    const service = text(info.metadata, 'service') ?? 'alloydb.googleapis.com'
    const project = (text(info.metadata, 'consumer') ?? instance.project).replace(/^projects\//, '')
    return make(
      'ALLOYDB_API_DISABLED',
      `The API ${service} is not enabled in project "${project}", so ${about} cannot be reached.`,
      `Run \`gcloud services enable ${service} --project=${project}\` and wait a few minutes.`,
    )
  }
  if (info.reason === 'ACCESS_TOKEN_SCOPE_INSUFFICIENT') {
    return make(
      'ALLOYDB_PERMISSION_DENIED',
      `The token of the credentials lacks the scope that the Admin API needs for ${about}.`,
      "Give the credentials the scope https://www.googleapis.com/auth/cloud-platform; on Compute Engine, set it as the VM's access scope.",
    )
  }
  const permission = text(info.metadata, 'permission') ?? /[a-z]+(?:\.[a-zA-Z]+){2}/.exec(message)?.[0]
  const role = permission === undefined ? undefined : roles[permission]
  const project =
    info.reason === 'USER_PROJECT_DENIED' ? 'the quota project' : `project "${instance.project}"`
  return make(
    'ALLOYDB_PERMISSION_DENIED',
    `Permission denied for ${about}: ${message}`,
    info.reason === 'USER_PROJECT_DENIED'
      ? `Grant roles/serviceusage.serviceUsageConsumer on ${project} to ${principal}.`
      : `Grant ${role ?? 'roles/alloydb.client and roles/serviceusage.serviceUsageConsumer'} on ${project} to ${principal}.`,
  )
}

function text(value: unknown, name: string): string | undefined {
  const found = property(value, name)
  return typeof found === 'string' ? found : undefined
}

function errorInfo(google: unknown): { reason: unknown; metadata: unknown } {
  const details = property(google, 'details')
  const info: unknown = Array.isArray(details)
    ? details.find((detail) => property(detail, '@type') === 'type.googleapis.com/google.rpc.ErrorInfo')
    : undefined
  return { reason: property(info, 'reason'), metadata: property(info, 'metadata') }
}
