import { AlloyDBError } from '@alloydb/core'

// The URL class, and not pg's own parser: that reads files and prints warnings for parameters that are refused here, differs
// between the versions of pg that are supported, and drops what it does not know.

/** What pg takes from a connection string, beside who logs in and to which database. */
const parameters: readonly string[] = [
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'options',
  'replication',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
]

/** What a config may say in place of, or beside, a connection string. */
interface Config {
  instance: string
  connectionString?: string | undefined
}

/**
 * Replaces a config's connection string by the options that it stands for, which pg then takes as if they had been given
 * themselves.
 *
 * @throws ALLOYDB_INVALID_OPTION if it says where or how to connect, or contradicts another option
 */
export function resolveConnectionString<C extends Config>(config: C): Omit<C, 'connectionString'> {
  if ((config as C | undefined)?.connectionString === undefined) return config
  const { connectionString, ...options } = config
  const resolved: Record<string, unknown> = options
  for (const [name, value] of Object.entries(parseConnectionString(connectionString, config.instance))) {
    const other = typeof resolved[name] === 'number' ? `${resolved[name]}` : resolved[name]
    if (other !== undefined && other !== value) throw conflictError(name, config.instance)
    resolved[name] = value
  }
  return options
}

function parseConnectionString(text: unknown, instance: string): Record<string, string> {
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
  for (const name of url.parameters.keys()) {
    if (/^ssl|^uselibpqcompat$/.test(name)) {
      throw refuse(`has the parameter "${name}"`, 'Remove it: the channel is already encrypted and verified.')
    }
    if (!parameters.includes(name)) {
      throw refuse(
        `has the parameter "${name}", which pg does not know`,
        `Remove it, or give an option of that name beside it. pg knows: ${parameters.join(', ')}.`,
      )
    }
  }
  const { user, password, database } = url
  return {
    ...(user !== '' && { user }),
    ...(password !== '' && { password }),
    ...(database !== '' && { database }),
    ...Object.fromEntries(url.parameters),
  }
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
