import { randomUUID } from 'node:crypto'
import { CertificateAuthority } from './certificate-authority.ts'
import { databaseUserOf } from './iam.ts'
import { PostgresAdmin, quoteIdentifier, quoteLiteral } from './postgres-admin.ts'
import type { PostgresServer } from './postgres-server.ts'
import { LOCK } from './postgres-bootstrap.ts'
import { DEFAULT_LOGIN, iamPassword, SUPERUSER, type PostgresTarget } from './postgres-target.ts'

/** A database user: one with a password, or an IAM user, who has none. */
export type DatabaseUser = PasswordUser | IamUser

/** A user who logs in with a password. */
export interface PasswordUser {
  name: string
  password: string
  /** Roles to be granted, such as `alloydbsuperuser`. Defaults to none. */
  roles?: readonly string[] | undefined
}

/** A principal who may log in with an access token; IAM must know it, too. */
export interface IamUser {
  /** The principal's whole e-mail address; the user's name is derived from it. */
  email: string
  /** Roles to be granted, such as `alloydbsuperuser`. Defaults to none. */
  roles?: readonly string[] | undefined
}

const TERMINATE_LIMIT_MS = 5_000
/** Whom every PostgreSQL of an emulator has. */
const OWN_ROLES = [DEFAULT_LOGIN.user, SUPERUSER, 'alloydbsuperuser', 'alloydbiamuser']

/** Whether a name is a database user's, and of which kind. */
export type UserKind = 'iam' | 'password' | 'none'

/** What the instances of one cluster share: the authorities, and the PostgreSQL that holds users and data. */
export class Cluster {
  readonly name: string
  readonly uid: string = randomUUID()
  /** RFC 3339. */
  readonly createTime: string = new Date().toISOString()
  #authority: CertificateAuthority
  readonly #keep: (authority: CertificateAuthority) => Promise<void>
  readonly postgres: PostgresTarget
  readonly #own: PostgresServer | undefined
  readonly #admin: PostgresAdmin

  /**
   * `own`: the server to stop with the cluster; without it, the one at `postgres` is somebody else's. `keep` writes another
   * authority to where the cluster is kept.
   */
  constructor(
    name: string,
    authority: CertificateAuthority,
    postgres: PostgresTarget,
    own: PostgresServer | undefined,
    keep: (authority: CertificateAuthority) => Promise<void>,
  ) {
    this.name = name
    this.#authority = authority
    this.#keep = keep
    this.postgres = postgres
    this.#own = own
    this.#admin = new PostgresAdmin(postgres)
  }

  get authority(): CertificateAuthority {
    return this.#authority
  }

  /** Makes another authority: all certificates of the one before are worth nothing from then on. */
  async replaceAuthority(): Promise<void> {
    const authority = await CertificateAuthority.create()
    await this.#keep(authority)
    this.#authority = authority
  }

  /** Adds a user, or sets the password and roles of one who is there. */
  async addUser(user: DatabaseUser): Promise<void> {
    const name = 'email' in user ? databaseUserOf(user.email) : user.name
    if (OWN_ROLES.includes(name)) {
      throw new Error(
        `"${name}" is there already, and the emulator needs it as it is.\n` +
          `Add a user of another name; or log in as "${DEFAULT_LOGIN.user}" with the password "${DEFAULT_LOGIN.password}".`,
      )
    }
    if (name.includes('\0') || Buffer.byteLength(name) > 63) {
      throw new Error(`"${name}" can't be a database user's name: it is longer than 63 bytes.`)
    }
    const roles = [...('email' in user ? ['alloydbiamuser'] : []), ...(user.roles ?? [])]
    const isIam = 'email' in user
    const secret = !isIam
      ? user.password
      : this.postgres.iamPasswords
        ? iamPassword(this.postgres, name)
        : undefined
    const password = secret === undefined ? '' : ` password ${quoteLiteral(secret)}`
    const quoted = quoteIdentifier(name)
    const create = `begin create role ${quoted}; exception when duplicate_object then null; end`
    await this.#admin.query(
      [
        // Emulators that share a PostgreSQL may add the same user at the same time.
        LOCK,
        `do ${quoteLiteral(create)}`,
        `alter role ${quoted} login${password}`,
        ...roles.map((role) => `grant ${quoteIdentifier(role)} to ${quoted}`),
      ].join(';\n'),
    )
  }

  async kindOfUser(name: string): Promise<UserKind> {
    // Not by pg_has_role(), to which a superuser is a member of every role.
    const memberships = `select from pg_auth_members where member = r.oid and roleid = 'alloydbiamuser'::regrole`
    const rows = await this.#admin.query(
      `select exists (${memberships}) from pg_roles r where rolname = ${quoteLiteral(name)}`,
    )
    if (rows.length === 0) return 'none'
    return rows[0]?.[0] === 't' ? 'iam' : 'password'
  }

  /** Ends PostgreSQL's backends of the given process ids, as its shutdown does. Resolves when they have ended. */
  async terminate(backends: Iterable<number>): Promise<void> {
    const pids = [...backends]
    if (pids.length === 0) return
    await this.#admin.query(
      `select pg_terminate_backend(pid, ${TERMINATE_LIMIT_MS}) from unnest(array[${pids.join(', ')}]) as pid`,
    )
  }

  async stop(): Promise<void> {
    this.#admin.close()
    await this.#own?.stop()
  }
}
