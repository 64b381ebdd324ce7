import { secondsLeft, type AccessTokens } from './access-tokens.ts'
import type { TokenFault } from './fault.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import type { Iam } from './iam.ts'
import { replaceFields } from './replace-fields.ts'

interface Services {
  iam: Iam
  tokens: AccessTokens
  /** The service account that is attached to the machine. */
  email: string
  project: string
}

const FLAVOR = { 'metadata-flavor': 'Google' }

// What a machine's service account has where no scopes are asked for.
const DEFAULT_SCOPES = ['https://www.googleapis.com/auth/cloud-platform']

/**
 * The paths of a virtual machine's metadata server that credentials come from, so that a client which was pointed
 * here by `ALLOYDB_EMULATOR_HOST`, or by Google's own `GCE_METADATA_HOST`, needs none of its own.
 *
 * @see https://cloud.google.com/compute/docs/access/authenticate-workloads
 */
export function metadataRoutes({ iam, tokens, email, project }: Services): Route[] {
  const ofAccount =
    (body: (request: RoutedRequest) => unknown) =>
    (request: RoutedRequest): Promise<RoutedResponse> =>
      ['default', email].includes(request.params[0]!)
        ? answer(request, () => body(request))
        : refuse(request, 'The machine has no such service account.')
  return [
    {
      // How a client finds out whether there is a metadata server.
      method: 'GET',
      pattern: /^\/(?:computeMetadata\/v1\/)?$/,
      handle: () => Promise.resolve({ body: 'computeMetadata/\n', headers: FLAVOR }),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/project\/project-id$/,
      handle: (request) => answer(request, () => project),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/universe\/universe[-_]domain$/,
      handle: (request) => answer(request, () => 'googleapis.com'),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/instance\/?$/,
      handle: (request) => answer(request, () => 'service-accounts/\n'),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/instance\/service-accounts\/?$/,
      handle: (request) => answer(request, () => `default/\n${email}/\n`),
    },
    {
      method: 'GET',
      pattern: accountPath('/?'),
      handle: ofAccount(() => ({ aliases: ['default'], email, scopes: DEFAULT_SCOPES })),
    },
    {
      method: 'GET',
      pattern: accountPath('/email'),
      handle: ofAccount(() => email),
    },
    {
      method: 'GET',
      pattern: accountPath('/token'),
      step: 'token',
      handle: (request) =>
        iam.has(email)
          ? ofAccount(() => issueToken(request, tokens, email))(request)
          : // The machine keeps the name of an account that is gone; only IAM knows.
            refuse(request, 'The service account was not found.'),
    },
  ]
}

function accountPath(rest: string): RegExp {
  return new RegExp(`^/computeMetadata/v1/instance/service-accounts/([^/]+)${rest}$`)
}

function issueToken({ query, record, fault }: RoutedRequest, tokens: AccessTokens, email: string): unknown {
  const scopes = query.get('scopes')?.split(',') ?? DEFAULT_SCOPES
  const { lifetimeMs, replace } = (fault ?? {}) as Partial<TokenFault>
  const token = tokens.issue(email, scopes, lifetimeMs)
  Object.assign(record, { principal: email, scopes })
  return replaceFields(replace, {
    access_token: token.value,
    expires_in: secondsLeft(token),
    token_type: 'Bearer',
  })
}

/** Requires the header that keeps a browser from asking. */
async function answer(
  { headers }: RoutedRequest,
  body: () => unknown,
  status: number = 200,
): Promise<RoutedResponse> {
  if (headers['metadata-flavor'] === 'Google') return { status, body: body(), headers: FLAVOR }
  return { status: 403, body: 'Missing required header "Metadata-Flavor": "Google"', headers: FLAVOR }
}

function refuse(request: RoutedRequest, reason: string): Promise<RoutedResponse> {
  request.record.reason = reason
  return answer(request, () => `${reason}\n`, 404)
}
