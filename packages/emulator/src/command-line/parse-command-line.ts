import type { DatabaseUser } from '../cluster.ts'
import { defaultServiceAccount } from '../credentials.ts'
import { DEFAULT_INSTANCE, type EmulatorOptions } from '../emulator.ts'
import { requireIpAddresses, type InstanceAddresses } from '../instance.ts'
import { parseInstanceName } from '../instance-name.ts'
import { parseListenAddress } from '../listen-address.ts'
import { parseOptions, type GivenOptions } from './command-line-options.ts'
import { UsageError } from './usage-error.ts'

const DEFAULT_PORT = 5433
const DEFAULT_ADMIN_PORT = 9797

/** What the command line asks for. */
export type Command = { kind: 'help' } | { kind: 'version' } | ServeCommand | ExecCommand

/** Run an emulator until it is interrupted. */
export interface ServeCommand {
  kind: 'serve'
  options: EmulatorOptions
  json: boolean
  quiet: boolean
}

/** Run a program beside an emulator. */
export interface ExecCommand {
  kind: 'exec'
  options: EmulatorOptions
  file: string
  args: readonly string[]
}

/** Parses the words that follow the program's name. Throws a {@link UsageError} where they make no sense. */
export function parseCommandLine(words: readonly string[]): Command {
  const separator = words.indexOf('--')
  const given = parseOptions(separator < 0 ? words : words.slice(0, separator))
  const [file, ...args] = separator < 0 ? [] : words.slice(separator + 1)
  if (given.has('help')) return { kind: 'help' }
  if (given.has('version')) return { kind: 'version' }

  const [subcommand, ...rest] = given.positionals
  if (subcommand === undefined && file === undefined) {
    const options = emulatorOptions(given, { port: DEFAULT_PORT, adminPort: DEFAULT_ADMIN_PORT })
    return { kind: 'serve', options, json: given.has('json'), quiet: given.has('quiet') }
  }
  if (subcommand !== 'exec') {
    throw new UsageError(
      subcommand === undefined
        ? `To run a program: alloydb-emulator exec -- ${file}`
        : `Unknown command "${subcommand}".`,
    )
  }
  if (rest.length > 0 || file === undefined) {
    const example = rest.length > 0 ? rest.join(' ') : 'node main.js'
    throw new UsageError(`Write the program to run after "--": alloydb-emulator exec -- ${example}`)
  }
  for (const name of ['json', 'quiet'] as const) {
    if (given.has(name)) throw new UsageError(`--${name} is not for exec, which prints nothing by itself.`)
  }
  return { kind: 'exec', file, args, options: emulatorOptions(given, { port: 0, adminPort: 0 }) }
}

function emulatorOptions(
  given: GivenOptions,
  defaults: { port: number; adminPort: number },
): EmulatorOptions {
  const instances = given.all('instance')
  for (const uri of [...instances, ...given.all('read-pool')]) orUsageError(() => parseInstanceName(uri))
  const primaries = instances.length > 0 ? instances : [DEFAULT_INSTANCE]
  const addresses = parseAddresses(given)
  const all = [
    ...primaries.map((uri) => ({ uri, ...addresses })),
    ...given.all('read-pool').map((uri) => ({ uri, ...addresses, instanceType: 'READ_POOL' as const })),
  ]
  return {
    instances: all,
    listenAddress: parseListen(given),
    ...parseUsers(given.all('user'), primaries[0] ?? DEFAULT_INSTANCE),
    port: parsePort(given, 'port') ?? defaults.port,
    adminPort: parsePort(given, 'admin-port') ?? defaults.adminPort,
    postgres: given.one('postgres'),
    database: given.one('database'),
    dataDirectory: given.one('data-dir'),
    initFiles: given.all('init'),
  }
}

/** Where clients dial the instances, if that is not for the emulator to choose. */
function parseAddresses(given: GivenOptions): InstanceAddresses {
  const [address, pscDnsName] = [given.one('address'), given.one('psc-dns-name')]
  if ((address ?? pscDnsName) !== undefined && !given.has('listen')) {
    throw new UsageError('--address and --psc-dns-name go with --listen.')
  }
  const addresses = {
    ...(address !== undefined && { privateIpAddress: address, publicIpAddress: address }),
    ...(pscDnsName !== undefined && { pscDnsName }),
  }
  orUsageError(() => requireIpAddresses(addresses))
  return addresses
}

function parseListen(given: GivenOptions): string | undefined {
  const address = given.one('listen')
  return address === undefined ? undefined : orUsageError(() => parseListenAddress(address))
}

function orUsageError<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** The given users, besides the service account that there always is. */
function parseUsers(
  users: readonly string[],
  instance: string,
): Pick<EmulatorOptions, 'iam' | 'databaseUsers'> {
  const serviceAccount = { email: defaultServiceAccount(parseInstanceName(instance).project) }
  const databaseUsers: DatabaseUser[] = users.map((user) => {
    const [, name, password] = /^([^:]+):(.+)$/s.exec(user) ?? []
    if (name !== undefined && password !== undefined) return { name, password }
    if (/^[^@:]+@[^@:]+$/.test(user)) return { email: user }
    throw new UsageError(`"${user}" is no user; write <name>:<password> or, for IAM logins, <email>.`)
  })
  const principals = databaseUsers.flatMap((user) => ('email' in user ? [{ email: user.email }] : []))
  return {
    iam: { principals: [serviceAccount, ...principals] },
    databaseUsers: [serviceAccount, ...databaseUsers],
  }
}

function parsePort(given: GivenOptions, name: 'port' | 'admin-port'): number | undefined {
  const text = given.one(name)
  if (text === undefined) return undefined
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw new UsageError(`--${name} is a number from 0 to 65535, and not "${text}".`)
}
