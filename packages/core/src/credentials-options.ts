/**
 * A client of google-auth-library 9, 10 or 11: the part of it that says so. Its classes have private fields, by which those of
 * one version are not those of another to TypeScript.
 */
export interface AuthClientLike {
  getRequestHeaders(url?: string): Promise<object>
  readonly transporter: object
}

/** Where the credentials come from: a `GoogleAuth`, or one of google-auth-library's clients. */
export type Auth = AuthClientLike | { getClient(): Promise<AuthClientLike> }

/** A service account to act as. */
export interface Impersonation {
  /** The e-mail of the service account. The credentials need the role Service Account Token Creator on it. */
  targetPrincipal: string
  /** The service accounts in between, where the credentials may act as the target only through others. */
  delegates?: readonly string[] | undefined
}

/** What the credentials are made of; the connector's options of the same names. */
export interface CredentialsOptions {
  auth?: Auth | undefined
  loginAuth?: Auth | undefined
  impersonate?: Impersonation | undefined
  quotaProject?: string | undefined
  universeDomain?: string | undefined
}
