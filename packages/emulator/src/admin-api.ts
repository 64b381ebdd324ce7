import type { AccessTokens } from './access-tokens.ts'
import { authenticate } from './authenticate.ts'
import { CertificateAuthority, parseClientPublicKey } from './certificate-authority.ts'
import type { Clock } from './clock.ts'
import type { Cluster } from './cluster.ts'
import type { CertificateFault, ConnectionInfoFault } from './fault.ts'
import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { Iam, Permission } from './iam.ts'
import type { Instance } from './instance.ts'
import { replaceFields } from './replace-fields.ts'
import { parseJsonObject } from './token-service.ts'

const SERVICE = 'alloydb.googleapis.com'
const HOUR_SECONDS = 3600
const DAY_SECONDS = 24 * HOUR_SECONDS
const CLUSTER = String.raw`projects/[^/]+/locations/[^/]+/clusters/[^/:]+`

/** The header by which a response says where the instance's server-side proxy listens, since 5433 may be taken. */
const PORT_HEADER = 'x-alloydb-emulator-port'

interface Services {
  clock: Clock
  clusters: ReadonlyMap<string, Cluster>
  instances: ReadonlyMap<string, Instance>
  iam: Iam
  tokens: AccessTokens
  /** Overrides the lifetime that callers ask for. */
  certificateLifetimeMs: number | undefined
}

/** The two methods of the Admin API that a connector calls. */
export function adminRoutes(services: Services): Route[] {
  return [
    {
      method: 'GET',
      pattern: new RegExp(`^/(v1|v1beta|v1alpha)/(${CLUSTER}/instances/[^/:]+)/connectionInfo$`),
      step: 'connectionInfo',
      resource: ([, instance]) => instance!,
      handle: (request) => Promise.resolve(connectionInfo(request, services)),
    },
    {
      method: 'POST',
      pattern: new RegExp(`^/(?:v1|v1beta|v1alpha)/(${CLUSTER}):generateClientCertificate$`),
      step: 'certificate',
      resource: ([cluster]) => cluster!,
      handle: (request) => generateClientCertificate(request, services),
    },
  ]
}

function connectionInfo(request: RoutedRequest, services: Services): RoutedResponse {
  const [version, uri] = request.params as [string, string]
  authorize(request, services, 'alloydb.instances.connect', uri)
  const instance = services.instances.get(uri)
  if (!instance) throw notFound(uri)
  const { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName } = instance
  const fault = request.fault as ConnectionInfoFault | undefined
  return {
    headers: { [PORT_HEADER]: String(instance.port) },
    // JSON.stringify leaves out what is undefined, as protobuf's JSON leaves out what is empty.
    body: replaceFields(fault?.replace, {
      name: `${uri}/connectionInfo`,
      ipAddress: privateIpAddress ?? undefined,
      publicIpAddress: publicIpAddress ?? undefined,
      instanceUid: instance.uid,
      ...(version !== 'v1' && {
        pscDnsName: pscDnsName ?? undefined,
        pscAutoDnsName: pscAutoDnsName ?? undefined,
      }),
    }),
  }
}

async function generateClientCertificate(
  request: RoutedRequest,
  services: Services,
): Promise<RoutedResponse> {
  const [name] = request.params as [string]
  authorize(request, services, 'alloydb.clusters.generateClientCertificate', name)
  const cluster = services.clusters.get(name)
  if (!cluster) throw notFound(name)

  // protobuf's JSON accepts a field's name in either case.
  const body = parseJsonObject(request.body)
  const { publicKey = body['public_key'], certDuration = body['cert_duration'] } = body
  const { useMetadataExchange = body['use_metadata_exchange'] } = body
  Object.assign(request.record, { certDuration, useMetadataExchange })
  const key = parsePublicKey(publicKey)
  const lifetimeMs = services.certificateLifetimeMs ?? parseDuration(certDuration) * 1000

  const fault = request.fault as CertificateFault | undefined
  const notAfter = new Date(fault?.notAfter ?? services.clock.now() + lifetimeMs)
  const notBefore = fault?.notBefore === undefined ? services.clock.notBefore : new Date(fault.notBefore)
  const signer = fault?.untrusted ? await CertificateAuthority.create() : cluster.authority
  return {
    body: replaceFields(fault?.replace, {
      pemCertificateChain: await signer.issueClient(key, { notBefore, notAfter }),
      caCert: cluster.authority.rootPem,
    }),
  }
}

/** The checks that come before any look at the resource, in the service's order. */
function authorize(
  request: RoutedRequest,
  { iam, tokens }: Services,
  permission: Permission,
  resource: string,
): void {
  const project = resource.split('/')[1]!
  const { principal } = authenticate(request, { iam, tokens, service: SERVICE })
  const quotaProject = request.headers['x-goog-user-project']
  if (quotaProject && !iam.allows(principal, 'serviceusage.services.use')) {
    throw userProjectDenied(quotaProject)
  }
  if (iam.apiDisabled) throw serviceDisabled(quotaProject ?? project)
  iam.spendQuota(principal, project)
  iam.require(principal, permission, resource)
}

function parsePublicKey(text: unknown): ReturnType<typeof parseClientPublicKey> {
  if (typeof text !== 'string') throw new GoogleError('INVALID_ARGUMENT', 'public_key is required.')
  try {
    return parseClientPublicKey(text)
  } catch (error) {
    throw new GoogleError('INVALID_ARGUMENT', `public_key ${error instanceof Error ? error.message : ''}.`)
  }
}

/** Parses a `google.protobuf.Duration`, in seconds. */
function parseDuration(duration: unknown): number {
  if (duration === undefined) return HOUR_SECONDS
  const seconds = Number(/^(\d+(?:\.\d+)?)s$/.exec(typeof duration === 'string' ? duration : '')?.[1])
  if (!(seconds >= HOUR_SECONDS && seconds <= DAY_SECONDS)) {
    throw new GoogleError(
      'INVALID_ARGUMENT',
      `cert_duration must be between "${HOUR_SECONDS}s" and "${DAY_SECONDS}s", got ${JSON.stringify(duration)}.`,
    )
  }
  return seconds
}

function notFound(resource: string): GoogleError {
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
