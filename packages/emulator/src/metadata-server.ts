import { secondsLeft, type AccessTokens } from './access-tokens.ts'
import type { TokenFault } from './fault.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import { replaceFields } from './replace-fields.ts'

interface Services {
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
export function metadataRoutes({ tokens, email, project }: Services): Route[] {
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
      pattern: /^\/computeMetadata\/v1\/instance\/service-accounts\/[^/]+\/$/,
      handle: (request) => answer(request, () => ({ aliases: ['default'], email, scopes: DEFAULT_SCOPES })),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/instance\/?$/,
      handle: (request) => answer(request, () => 'service-accounts/\n'),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/instance\/service-accounts\/[^/]+\/email$/,
      handle: (request) => answer(request, () => email),
    },
    {
      method: 'GET',
      pattern: /^\/computeMetadata\/v1\/instance\/service-accounts\/[^/]+\/token$/,
      step: 'token',
      handle: (request) => answer(request, () => issueToken(request, tokens, email)),
    },
  ]
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
async function answer(request: RoutedRequest, body: () => unknown): Promise<RoutedResponse> {
  if (request.headers['metadata-flavor'] === 'Google') return { body: body(), headers: FLAVOR }
  return { status: 403, body: 'Missing required header "Metadata-Flavor": "Google"', headers: FLAVOR }
}
