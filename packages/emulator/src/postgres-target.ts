import { createHmac } from 'node:crypto'
import { dirname } from 'node:path'
import type { PostgresAddress } from './postgres-address.ts'

/** A database user, and how it proves who it is. */
export interface PostgresLogin {
  user: string
  password: string
  database: string
}

/** A PostgreSQL as the emulator uses it. */
export interface PostgresTarget {
  /** Where it listens. */
  readonly connection: { path: string } | { host: string; port: number }
  /** Who manages users. */
  readonly admin: PostgresLogin
  /** Whether IAM users need a password there, since nobody but the emulator's own server trusts them without one. */
  readonly iamPasswords: boolean
  /** For `psql` and the like; without somebody's password. */
  readonly url: string
}

export const SUPERUSER = 'alloydbadmin'

/** Whom there is on every server of the emulator's own. */
export const DEFAULT_LOGIN: PostgresLogin = { user: 'postgres', password: 'postgres', database: 'postgres' }

/** PostgreSQL's own; a socket has it in its name. */
export const POSTGRES_PORT = 5432

/** The emulator's own server, or one that another emulator has started; `database` is the one that its users are shown. */
export function targetOfAddress(
  { socketPath, adminPassword }: PostgresAddress,
  database: string = DEFAULT_LOGIN.database,
): PostgresTarget {
  return {
    connection: { path: socketPath },
    admin: { user: SUPERUSER, password: adminPassword, database: 'postgres' },
    iamPasswords: false,
    url: `postgres://postgres:postgres@/${encodeURIComponent(database)}?host=${encodeURI(dirname(socketPath))}`,
  }
}

/** Parses the URL of somebody's own server, as libpq writes it; a `host` that begins with "/" is a Unix socket's directory. */
export function targetOfUrl(text: string): PostgresTarget {
  // libpq's URLs may leave the host out, which no other URL may.
  const url = tryParse(text.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?]*@)?)(?=[/?]|$)/, '$1localhost'))
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username) {
    throw new Error(
      'The URL of PostgreSQL is not one.\n' +
        'Write it as "postgres://<user>:<password>@<host>:<port>/<database>"; the user must be allowed to create roles.',
    )
  }
  const sslMode = url.searchParams.get('sslmode')
  if (sslMode !== null && !['disable', 'allow', 'prefer'].includes(sslMode)) {
    throw new Error(
      `The emulator connects to PostgreSQL without TLS, and can't have "sslmode=${sslMode}".\n` +
        'Use a PostgreSQL on this machine or in a private network, without sslmode.',
    )
  }
  const user = decodeURIComponent(url.username)
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname)
  const port = Number(url.port || POSTGRES_PORT)
  return {
    connection: host.startsWith('/')
      ? { path: `${host}/.s.PGSQL.${port}` }
      : { host: host.replace(/^\[|\]$/g, ''), port },
    admin: {
      user,
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || user,
    },
    iamPasswords: true,
    // A password may hold "@", as far as the last one of the host's part.
    url: text.replace(/^(\w+:\/\/[^:@/]*):[^/?#]*@/, '$1@'),
  }
}

/** The password that an IAM user has at somebody's own server: the same for all emulators that use it, and known to no one else. */
export function iamPassword({ admin }: PostgresTarget, user: string): string {
  return createHmac('sha256', `alloydb-emulator:${admin.user}:${admin.password}`)
    .update(user)
    .digest('base64url')
}

function tryParse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
