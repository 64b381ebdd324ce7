import {
  CLOUD_PLATFORM_SCOPE,
  hasScope,
  isExpired,
  LOGIN_SCOPE,
  type AccessToken,
  type AccessTokens,
} from './access-tokens.ts'
import type { Iam } from './iam.ts'

/** A token, where it is known, and what is wrong with it. */
export interface LoginToken {
  token?: AccessToken | undefined
  refusal?: string | undefined
}

/** Reads an access token that is to prove who connects. */
export function readLoginToken(
  value: string,
  { iam, tokens }: { iam: Iam; tokens: AccessTokens },
): LoginToken {
  const token = tokens.find(value)
  if (!token || !iam.has(token.principal)) return { refusal: 'The OAuth 2.0 token is invalid.' }
  if (isExpired(token)) return { token, refusal: 'The OAuth 2.0 token has expired.' }
  if (hasScope(token, LOGIN_SCOPE, CLOUD_PLATFORM_SCOPE)) return { token }
  return {
    token,
    refusal: `The OAuth 2.0 token has neither the scope ${LOGIN_SCOPE} nor ${CLOUD_PLATFORM_SCOPE}.`,
  }
}
