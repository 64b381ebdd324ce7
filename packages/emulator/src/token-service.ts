import { IAM_SCOPE, isExpired, secondsLeft, type AccessTokens } from './access-tokens.ts'
import { verifyAssertion } from './assertion.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import { GoogleError } from './google-error.ts'
import type { Route, RoutedRequest, RoutedResponse } from './http-router.ts'
import { googleFailure } from './http-failure.ts'
import { permissionDenied, type Iam } from './iam.ts'
import { authenticate } from './authenticate.ts'
import type { HttpFailure, TokenFault } from './fault.ts'
import { parseJsonObject } from './parse-json-object.ts'
import { replaceFields } from './replace-fields.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** Google's own names of the token endpoint; the second is that of google-auth-library 9 and older. */
const TOKEN_URIS = ['https://oauth2.googleapis.com/token', 'https://www.googleapis.com/oauth2/v4/token']
const MAX_IMPERSONATION_SECONDS = 3600

interface Services {
  clock: Clock
  credentials: Credentials
  iam: Iam
  tokens: AccessTokens
  /** The emulator's own host and port. */
  host: () => string
}

/** An error of RFC 6749, section 5.2. */
class OAuthError extends Error {
  readonly error: string
  constructor(error: string, description: string) {
    super(description)
    this.error = error
  }
}

/** The endpoints where credentials are exchanged for access tokens. */
export function tokenRoutes(services: Services): Route[] {
  return [
    {
      method: 'POST',
      pattern: /^\/(?:oauth2\/v4\/)?token$/,
      step: 'token',
      handle: (request) => oauth(request, () => grant(request, services)),
      errorBody: oauthFailure,
    },
    {
      method: 'POST',
      pattern: /^\/v1\/token$/,
      step: 'token',
      handle: (request) => oauth(request, () => exchangeSubjectToken(request, services)),
      errorBody: oauthFailure,
    },
    {
      method: 'GET',
      pattern: /^\/emulator\/subject-token\/([\w-]+)$/,
      handle: ({ params }) => Promise.resolve({ body: params[0] }),
    },
    {
      method: 'ANY',
      pattern: /^\/(?:oauth2\/v3\/)?tokeninfo$/,
      handle: (request) => oauth(request, () => tokenInfo(request, services)),
    },
    {
      method: 'POST',
      pattern: /^\/v1\/projects\/[^/]+\/serviceAccounts\/([^/:]+):generateAccessToken$/,
      step: 'token',
      handle: (request) => impersonate(request, services),
      errorBody: (failure, { params }) =>
        googleFailure(
          failure,
          failure.reason === 'IAM_PERMISSION_DENIED' ? mayNotImpersonate(params[0]!) : undefined,
        ),
    },
  ]
}

function oauthFailure({ status, message, reason }: HttpFailure): unknown {
  return {
    error: reason ?? (status < 500 ? 'invalid_grant' : 'internal_failure'),
    error_description: message ?? 'The emulator was told to fail.',
  }
}

async function oauth(request: RoutedRequest, answer: () => unknown): Promise<RoutedResponse> {
  try {
    return { body: await answer() }
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    request.record.reason = error.message
    return { status: 400, body: { error: error.error, error_description: error.message } }
  }
}

async function grant({ headers, body, record, fault }: RoutedRequest, services: Services): Promise<unknown> {
  const form = new URLSearchParams(body)
  const type = form.get('grant_type')
  let principal: string
  let scopes: readonly string[]
  if (type === JWT_BEARER) {
    ;({ principal, scopes } = await grantOf(form.get('assertion') ?? '', headers['host'], services))
  } else if (type === 'refresh_token') {
    principal = services.credentials.refreshTokenOwner(form.get('refresh_token') ?? '') ?? ''
    // Those that `gcloud auth application-default login` asks the user for.
    scopes = splitScopes(form.get('scope')) ?? [
      'openid',
      'https://www.googleapis.com/auth/userinfo.email',
      'https://www.googleapis.com/auth/cloud-platform',
    ]
  } else {
    throw new OAuthError('unsupported_grant_type', `Invalid grant_type: ${type}`)
  }
  if (!services.iam.has(principal)) {
    throw new OAuthError('invalid_grant', 'Invalid grant: account not found')
  }
  const { lifetimeMs, replace } = (fault ?? {}) as Partial<TokenFault>
  const token = services.tokens.issue(principal, scopes, lifetimeMs)
  Object.assign(record, { principal, scopes })
  return replaceFields(replace, {
    access_token: token.value,
    expires_in: secondsLeft(token),
    token_type: 'Bearer',
    ...(type === 'refresh_token' && { scope: scopes.join(' ') }),
  })
}

/** The Security Token Service: an access token for the token of another identity provider, as RFC 8693 has it. */
function exchangeSubjectToken({ body, record, fault }: RoutedRequest, services: Services): unknown {
  const form = new URLSearchParams(body)
  if (form.get('grant_type') !== TOKEN_EXCHANGE) {
    throw new OAuthError('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type')}`)
  }
  for (const name of ['audience', 'subject_token', 'subject_token_type']) {
    if (!form.get(name)) throw new OAuthError('invalid_request', `Missing required field: ${name}.`)
  }
  const principal = services.credentials.subjectTokenOwner(form.get('subject_token') ?? '')
  if (principal === undefined || !services.iam.has(principal)) {
    throw new OAuthError('invalid_grant', "Error connecting to the given credential's issuer.")
  }
  const scopes = splitScopes(form.get('scope'))
  if (!scopes) throw new OAuthError('invalid_scope', 'Invalid or missing scope.')
  const { lifetimeMs, replace } = (fault ?? {}) as Partial<TokenFault>
  const token = services.tokens.issue(principal, scopes, lifetimeMs)
  Object.assign(record, { principal, scopes })
  return replaceFields(replace, {
    access_token: token.value,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: secondsLeft(token),
  })
}

/** Who a signed assertion asks for a token for, and which scopes it is to have. */
async function grantOf(
  jwt: string,
  host: string | undefined,
  { credentials, clock, host: ownHost }: Services,
): Promise<{ principal: string; scopes: readonly string[] }> {
  const { issuer, claims } = await verifyAssertion(jwt, { credentials, clock }).catch((error: unknown) => {
    throw new OAuthError('invalid_grant', error instanceof Error ? error.message : String(error))
  })
  const { aud, scope } = claims
  // The port speaks HTTP and HTTPS, and a client may be told either.
  const own = ['http', 'https'].map((scheme) => `${scheme}://${host ?? ownHost()}/token`)
  if (![...TOKEN_URIS, ...own].includes(String(aud))) {
    throw new OAuthError('invalid_grant', 'Invalid JWT: Failed audience check.')
  }
  const scopes = splitScopes(scope)
  if (!scopes) throw new OAuthError('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  return { principal: issuer, scopes }
}

function tokenInfo({ query, headers, body }: RoutedRequest, { tokens }: Services): unknown {
  const value =
    query.get('access_token') ??
    new URLSearchParams(body).get('access_token') ??
    headers['authorization']?.replace(/^Bearer /i, '') ??
    ''
  const token = tokens.find(value)
  if (!token || isExpired(token)) throw new OAuthError('invalid_token', 'Invalid Value')
  return {
    azp: '100000000000000000000',
    aud: '100000000000000000000',
    scope: token.scopes.join(' '),
    exp: String(Math.floor(token.expiresAt / 1000)),
    expires_in: String(secondsLeft(token)),
    email: token.principal,
    email_verified: 'true',
    access_type: 'online',
  }
}

/** IAM Credentials: a token of another service account's, along a chain of token creators. */
async function impersonate(
  request: RoutedRequest,
  { iam, tokens, credentials, clock }: Services,
): Promise<RoutedResponse> {
  const caller = await authenticate(request, {
    iam,
    tokens,
    credentials,
    clock,
    service: 'iamcredentials.googleapis.com',
    scopes: [IAM_SCOPE],
  })
  const { scope, delegates, lifetime } = parseImpersonation(request.body)
  const target = request.params[0]!
  const chain = [caller.principal, ...delegates.map((name) => name.split('/').at(-1)!), target]
  for (const [index, email] of chain.slice(1).entries()) {
    iam.require(chain[index]!, 'iam.serviceAccounts.getAccessToken', `projects/-/serviceAccounts/${email}`)
    if (!iam.has(email)) {
      throw new GoogleError('NOT_FOUND', `Unknown service account: ${email}`)
    }
  }
  const { lifetimeMs = lifetime * 1000, replace } = (request.fault ?? {}) as Partial<TokenFault>
  const token = tokens.issue(target, scope, lifetimeMs)
  Object.assign(request.record, { scopes: scope })
  return {
    body: replaceFields(replace, {
      accessToken: token.value,
      expireTime: new Date(token.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    }),
  }
}

function mayNotImpersonate(email: string): GoogleError {
  return permissionDenied(
    'iam.serviceAccounts.getAccessToken',
    `projects/-/serviceAccounts/${email}`,
    undefined,
  )
}

function parseImpersonation(body: string): { scope: string[]; delegates: string[]; lifetime: number } {
  const { scope, delegates = [], lifetime = '3600s' } = parseJsonObject(body)
  if (!isStrings(scope) || scope.length === 0) {
    throw new GoogleError('INVALID_ARGUMENT', 'Request contains an invalid argument: scope.')
  }
  if (!isStrings(delegates))
    throw new GoogleError('INVALID_ARGUMENT', 'Request contains an invalid argument: delegates.')
  const seconds = /^(\d+)s$/.exec(String(lifetime))?.[1]
  if (!seconds || Number(seconds) < 1 || Number(seconds) > MAX_IMPERSONATION_SECONDS) {
    throw new GoogleError('INVALID_ARGUMENT', 'Request contains an invalid argument: lifetime.')
  }
  return { scope, delegates, lifetime: Number(seconds) }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function splitScopes(scope: unknown): string[] | undefined {
  return typeof scope === 'string' && scope.trim() ? scope.trim().split(/\s+/) : undefined
}
