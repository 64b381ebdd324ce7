import { AlloyDBError } from './alloydb-error.ts'

// The URL class, and no driver's own parser: they differ, by the version too; pg's reads files and prints warnings for
// parameters that are refused here, and drops what it does not know, which that of postgres.js sends to PostgreSQL.

/** What a driver takes from a connection string, beside who logs in and to which database. */
export interface ConnectionStringParameters {
  /** Those that are options of the driver. */
  readonly options: readonly string[]
  /** Those that the driver takes within its option `connection`. Defaults to none: it has no such option. */
  readonly connection?: readonly string[]
}

/** What a config may say in place of, or beside, a connection string. */
interface Config {
  instance: string
  connectionString?: string | undefined
}

/**
 * Replaces a config's connection string by the options that it stands for, which the driver then takes as if they had been
 * given themselves. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_OPTION if it says where or how to connect, or contradicts another option
 */
export function resolveConnectionString<C extends Config>(
  config: C,
  parameters: ConnectionStringParameters,
): Omit<C, 'connectionString'> {
  if ((config as C | undefined)?.connectionString === undefined) return config
  const { connectionString, ...options } = config
  const { instance } = config
  const { login, settings } = parseConnectionString(connectionString, instance, parameters)
  const inConnection = (name: string): boolean => parameters.connection?.includes(name) === true
  const resolved: Record<string, unknown> = options
  merge(resolved, { ...login, ...pick(settings, (name) => !inConnection(name)) }, '', instance)
  if (parameters.connection !== undefined) {
    const connection = { ...(resolved['connection'] as Record<string, unknown> | undefined) }
    merge(connection, pick(settings, inConnection), 'connection.', instance)
    resolved['connection'] = connection
  }
  return options
}

function pick(settings: URLSearchParams, isWanted: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries([...settings].filter(([name]) => isWanted(name)))
}

/** Adds what the connection string says, unless the options say something else. */
function merge(
  options: Record<string, unknown>,
  said: Record<string, string>,
  prefix: string,
  instance: string,
): void {
  for (const [name, value] of Object.entries(said)) {
    const other = typeof options[name] === 'number' ? `${options[name]}` : options[name]
    if (other !== undefined && other !== value) throw conflictError(prefix + name, instance)
    options[name] = value
  }
}

/** What a connection string says. */
interface Said {
  readonly login: Record<string, string>
  readonly settings: URLSearchParams
}

function parseConnectionString(text: unknown, instance: string, known: ConnectionStringParameters): Said {
  const refuse = (what: string, hint: string): AlloyDBError =>
    new AlloyDBError('ALLOYDB_INVALID_OPTION', `The option "connectionString" ${what}.`, { instance, hint })

  const url = typeof text === 'string' ? parseUrl(text) : undefined
  if (url === undefined) {
    throw refuse(
      'is not a postgres:// URL',
      'Write postgres://user:password@/database, with %40 for @, %2F for / and the like in its parts.',
    )
  }
  const where = ['host', 'hostaddr', 'port'].find((name) => url.parameters.has(name)) ?? url.where
  if (where !== undefined) {
    throw refuse(
      `has a ${where}, and the instance URI says where to connect`,
      'Write it without one: postgres://user:password@/database.',
    )
  }
  const names = [...known.options, ...(known.connection ?? [])]
  for (const name of url.parameters.keys()) {
    if (/^ssl|^uselibpqcompat$/.test(name)) {
      throw refuse(`has the parameter "${name}"`, 'Remove it: the channel is already encrypted and verified.')
    }
    if (!names.includes(name)) {
      throw refuse(
        `has the parameter "${name}", which cannot stand there`,
        `Remove it, or give an option of the driver beside it. Those that can stand there: ${names.join(', ')}.`,
      )
    }
  }
  const { user, password, database } = url
  const login = Object.entries({ user, password, database }).filter(([, value]) => value !== '')
  return { login: Object.fromEntries(login), settings: url.parameters }
}

interface ParsedUrl {
  readonly user: string
  readonly password: string
  readonly database: string
  /** What it says of where to connect, if anything. */
  readonly where: string | undefined
  readonly parameters: URLSearchParams
}

/** Up to where the host is, if that is empty. The URL class then wants one. */
const upToEmptyHost = /^[a-z]+:\/\/([^/?#]*@)?(?=[/?#]|$)/i

function parseUrl(text: string): ParsedUrl | undefined {
  if (!/^postgres(ql)?:\/\//i.test(text)) return undefined
  const hasHost = !upToEmptyHost.test(text)
  const url = URL.parse(hasHost ? text : text.replace(upToEmptyHost, '$&host'))
  if (url === null || url.hash !== '') return undefined
  const where = url.port === '' ? 'host' : 'port'
  try {
    return {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      where: hasHost ? where : undefined,
      parameters: url.searchParams,
    }
  } catch {
    return undefined // a % that encodes nothing
  }
}

function conflictError(name: string, instance: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_INVALID_OPTION',
    `The option "${name}" differs from what the connection string says.`,
    { instance, hint: `Give "${name}" in one of the two places.` },
  )
}
