import { GoogleError } from './google-error.ts'

/** The permissions that the emulator asks for. */
export type Permission =
  | 'alloydb.clusters.generateClientCertificate'
  | 'alloydb.clusters.get'
  | 'alloydb.clusters.list'
  | 'alloydb.instances.connect'
  | 'alloydb.instances.get'
  | 'alloydb.instances.list'
  | 'alloydb.users.login'
  | 'serviceusage.services.use'
  | 'iam.serviceAccounts.getAccessToken'

/** The roles that the emulator knows. */
export type Role =
  | 'roles/alloydb.admin'
  | 'roles/alloydb.client'
  | 'roles/alloydb.databaseUser'
  | 'roles/alloydb.viewer'
  | 'roles/iam.serviceAccountTokenCreator'
  | 'roles/serviceusage.serviceUsageConsumer'

const CLIENT: readonly Permission[] = [
  'alloydb.clusters.generateClientCertificate',
  'alloydb.clusters.get',
  'alloydb.instances.connect',
  'alloydb.instances.get',
]

const VIEWER: readonly Permission[] = [
  'alloydb.clusters.get',
  'alloydb.clusters.list',
  'alloydb.instances.get',
  'alloydb.instances.list',
]

const ROLES: Readonly<Record<Role, readonly Permission[]>> = {
  'roles/alloydb.admin': [...CLIENT, ...VIEWER, 'alloydb.users.login'],
  'roles/alloydb.client': CLIENT,
  'roles/alloydb.databaseUser': ['alloydb.users.login'],
  'roles/alloydb.viewer': VIEWER,
  'roles/iam.serviceAccountTokenCreator': ['iam.serviceAccounts.getAccessToken'],
  'roles/serviceusage.serviceUsageConsumer': ['serviceusage.services.use'],
}

/** The names of the roles. */
export const ROLE_NAMES: readonly Role[] = Object.keys(ROLES) as Role[]

/** The roles of the default principal: all that a connector needs, and what tools need to look around. */
const DEFAULT_ROLES: readonly Role[] = [
  'roles/alloydb.client',
  'roles/alloydb.databaseUser',
  'roles/alloydb.viewer',
  'roles/serviceusage.serviceUsageConsumer',
]

/** A service account, a user, or a workload from elsewhere. */
export interface Principal {
  /** An e-mail address; of a workload from elsewhere, `principal://iam.googleapis.com/…/subject/NAME`. */
  email: string
  /** Defaults to the client, database user, viewer and service usage consumer roles. */
  roles?: readonly Role[] | undefined
}

/** How IAM is set up when the emulator starts. */
export interface IamOptions {
  /**
   * Who exists. Defaults to one service account `app@<project>.iam.gserviceaccount.com`. The first service account
   * is the one of {@link Emulator.auth}; where none is given, the default one is added.
   */
  principals?: readonly Principal[] | undefined
  /** Whether the AlloyDB API is disabled in the project. Defaults to `false`. */
  apiDisabled?: boolean | undefined
  /** The number of Admin API requests that each principal may make in a minute. Defaults to no limit. */
  quotaPerMinute?: number | undefined
}

/** The principals, and what they may do. Roles are granted on the project. */
export class Iam {
  /** Whether the AlloyDB API is disabled in the project. */
  apiDisabled: boolean
  /** The number of Admin API requests that each principal may make in a minute. */
  quotaPerMinute: number | undefined

  readonly #roles = new Map<string, Set<Role>>()
  readonly #served = new Map<string, number[]>()

  constructor({ principals = [], apiDisabled = false, quotaPerMinute }: IamOptions) {
    this.apiDisabled = apiDisabled
    this.quotaPerMinute = quotaPerMinute
    for (const { email, roles } of principals) this.setRoles(email, roles)
  }

  /** The e-mail addresses of all principals. */
  get principals(): readonly string[] {
    return [...this.#roles.keys()]
  }

  /** The roles of a principal; none of one that is not there. */
  rolesOf(email: string): readonly Role[] {
    return [...(this.#roles.get(email) ?? [])]
  }

  /**
   * Gives a principal these roles and no others, at once; by default those of {@link Principal.roles}. A principal that is not
   * there yet is made.
   */
  setRoles(email: string, roles: readonly Role[] = DEFAULT_ROLES): void {
    this.#roles.set(email, new Set(roles))
  }

  /** Grants a role, at once. A principal that is not there yet is made. */
  grant(email: string, role: Role): void {
    const roles = this.#roles.get(email) ?? new Set()
    this.#roles.set(email, roles.add(role))
  }

  /** Takes a role away, at once; the real service needs a few minutes for it. */
  revoke(email: string, role: Role): void {
    this.#roles.get(email)?.delete(role)
  }

  /** Removes a principal: its tokens are no longer accepted. */
  remove(email: string): void {
    this.#roles.delete(email)
  }

  /** Tells whether the principal exists. */
  has(email: string): boolean {
    return this.#roles.has(email)
  }

  /** Tells whether the principal has the permission. */
  allows(email: string, permission: Permission): boolean {
    return this.rolesOf(email).some((role) => ROLES[role].includes(permission))
  }

  /** @throws {GoogleError} PERMISSION_DENIED. */
  require(email: string, permission: Permission, resource: string): void {
    if (this.allows(email, permission)) return
    throw permissionDenied(permission, resource, email)
  }

  /** Counts a request against the principal's quota. @throws {GoogleError} RESOURCE_EXHAUSTED. */
  spendQuota(email: string, project: string): void {
    if (this.quotaPerMinute === undefined) return
    const now = Date.now()
    const recent = (this.#served.get(email) ?? []).filter((at) => now - at < 60_000)
    if (recent.length >= this.quotaPerMinute) {
      throw new GoogleError(
        'RESOURCE_EXHAUSTED',
        "Quota exceeded for quota metric 'API requests' and limit 'API requests per minute per user' of service " +
          `'alloydb.googleapis.com' for consumer '${project}'.`,
        {
          reason: 'RATE_LIMIT_EXCEEDED',
          domain: 'googleapis.com',
          metadata: {
            service: 'alloydb.googleapis.com',
            consumer: `projects/${project}`,
            quota_limit_value: String(this.quotaPerMinute),
          },
        },
        Math.ceil(((recent[0] ?? now) + 60_000 - now) / 1000),
      )
    }
    this.#served.set(email, [...recent, now])
  }
}

/** The error of a principal that has not the permission. */
export function permissionDenied(
  permission: Permission,
  resource: string,
  principal: string | undefined,
): GoogleError {
  return new GoogleError(
    'PERMISSION_DENIED',
    `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`,
    {
      reason: 'IAM_PERMISSION_DENIED',
      domain: 'iam.googleapis.com',
      metadata: { permission, resource, ...(principal !== undefined && { principal }) },
    },
  )
}

/** Tells whether the e-mail address is a service account's. */
export function isServiceAccount(email: string): boolean {
  return email.endsWith('.gserviceaccount.com')
}

/** Tells whether the principal is a workload from elsewhere: `principal://iam.googleapis.com/…/subject/NAME`. */
export function isFederated(principal: string): boolean {
  return principal.startsWith('principal://')
}

/** The database user of a principal: an e-mail address, a service account's without `.gserviceaccount.com`. */
export function databaseUserOf(email: string): string {
  return email.replace(/\.gserviceaccount\.com$/, '')
}
