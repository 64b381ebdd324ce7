import { authorize, failAsService, notFound, type AccessServices } from './admin-access.ts'
import { CLUSTER_PATTERN, resourceRoutes } from './admin-resources.ts'
import { CertificateAuthority, parseClientPublicKey } from './certificate-authority.ts'
import type { Cluster } from './cluster.ts'
import type { CertificateFault, ConnectionInfoFault } from './fault.ts'
import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { Instance } from './instance.ts'
import { parseJsonObject } from './parse-json-object.ts'
import { replaceFields } from './replace-fields.ts'
import { RequestIds } from './request-ids.ts'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 24 * HOUR_SECONDS

/** The header by which a response says where the instance's server-side proxy listens, since 5433 may be taken. */
const PORT_HEADER = 'x-alloydb-emulator-port'

/** What of a fault makes another certificate. */
const SPOILERS = ['notBefore', 'notAfter', 'lifetimeMs', 'untrusted'] as const

interface IssuedCertificate {
  pemCertificateChain: string[]
  caCert: string
}

interface Services extends AccessServices {
  clusters: ReadonlyMap<string, Cluster>
  instances: ReadonlyMap<string, Instance>
  /** Overrides the lifetime that callers ask for. */
  certificateLifetimeMs: number | undefined
}

/** The Admin API: the two methods that a connector calls, and those that look at resources. */
export function adminRoutes(services: Services): Route[] {
  const issued = new RequestIds<IssuedCertificate>()
  return [
    ...resourceRoutes(services),
    {
      method: 'GET',
      pattern: new RegExp(`^/(v1|v1beta|v1alpha)/(${CLUSTER_PATTERN}/instances/[^/:]+)/connectionInfo$`),
      step: 'connectionInfo',
      resource: ([, instance]) => instance!,
      handle: (request) => connectionInfo(request, services),
      errorBody: (failure, request) =>
        failAsService(failure, request, services, 'alloydb.instances.connect', request.params[1]!),
    },
    {
      method: 'POST',
      pattern: new RegExp(`^/(?:v1|v1beta|v1alpha)/(${CLUSTER_PATTERN}):generateClientCertificate$`),
      step: 'certificate',
      resource: ([cluster]) => cluster!,
      handle: (request) => generateClientCertificate(request, services, issued),
      errorBody: (failure, request) =>
        failAsService(
          failure,
          request,
          services,
          'alloydb.clusters.generateClientCertificate',
          request.params[0]!,
        ),
    },
  ]
}

async function connectionInfo(request: RoutedRequest, services: Services): Promise<RoutedResponse> {
  const [version, uri] = request.params as [string, string]
  await authorize(request, services, 'alloydb.instances.connect', uri)
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
  issued: RequestIds<IssuedCertificate>,
): Promise<RoutedResponse> {
  const [name] = request.params as [string]
  const principal = await authorize(request, services, 'alloydb.clusters.generateClientCertificate', name)
  const cluster = services.clusters.get(name)
  if (!cluster) throw notFound(name)

  // protobuf's JSON accepts a field's name in either case.
  const body = parseJsonObject(request.body)
  const { publicKey = body['public_key'], certDuration = body['cert_duration'] } = body
  const { useMetadataExchange = body['use_metadata_exchange'] } = body
  const { requestId = body['request_id'] ?? request.query.get('requestId') } = body
  Object.assign(request.record, { certDuration, useMetadataExchange })
  const key = parsePublicKey(publicKey)

  const withExchange = useMetadataExchange === true
  const { authority } = cluster
  const fault = (request.fault ?? {}) as Partial<CertificateFault>
  const { lifetimeMs = services.certificateLifetimeMs ?? parseDuration(certDuration) * 1000 } = fault
  const issue = async (): Promise<IssuedCertificate> => {
    const signer = fault.untrusted ? await CertificateAuthority.create() : authority
    return {
      pemCertificateChain: await signer.issueClient(key, {
        notBefore: fault.notBefore === undefined ? services.clock.notBefore : new Date(fault.notBefore),
        notAfter: new Date(fault.notAfter ?? services.clock.now() + lifetimeMs),
        withExchange,
      }),
      caCert: authority.rootPem,
    }
  }
  // A certificate that a fault has spoilt is neither found instead of being made, nor kept for the next try.
  const isSpoilt = SPOILERS.some((effect) => fault[effect] !== undefined)
  const isRepeatable = typeof requestId === 'string' && requestId !== '' && !isSpoilt
  const certificate = isRepeatable
    ? // A cluster that has been deleted and made again is another one: its authority is.
      issued.answer(
        JSON.stringify([principal, name, authority.rootPem, requestId]),
        JSON.stringify([publicKey, certDuration, withExchange]),
        issue,
      )
    : issue()
  return { body: replaceFields(fault.replace, { ...(await certificate) }) }
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
  if (duration === undefined || duration === null) return HOUR_SECONDS // null is absent, in the JSON of protobuf
  const seconds = Number(/^(\d+(?:\.\d+)?)s$/.exec(typeof duration === 'string' ? duration : '')?.[1])
  if (!(seconds >= HOUR_SECONDS && seconds <= DAY_SECONDS)) {
    throw new GoogleError(
      'INVALID_ARGUMENT',
      `cert_duration must be between "${HOUR_SECONDS}s" and "${DAY_SECONDS}s", got ${JSON.stringify(duration)}.`,
    )
  }
  return seconds
}
