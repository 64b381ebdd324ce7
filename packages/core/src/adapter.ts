import type { TLSSocket } from 'node:tls'
import { AlloyDBError } from './alloydb-error.ts'
import { parseAuthType, parseIpType } from './connector-option-checks.ts'
import { connectorOptionNames, type ConnectorOptions } from './connector-options.ts'
import { resolveSettings } from './connector-settings.ts'
import { Connector } from './connector.ts'
import type { ConnectOptions, Dialer } from './dialer.ts'
import { isMisspelt } from './is-misspelt.ts'
import { toIamUser } from './iam-user.ts'
import { parseInstanceUri } from './instance-uri.ts'

export { resolveConnectionString, type ConnectionStringParameters } from './connection-string.ts'

/** What every adapter's config has beside its driver's own options. */
export interface AdapterConfig extends ConnectorOptions {
  /** The instance URI, `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`. */
  instance: string
  /**
   * A connector to share, closed by its owner. Defaults to a new one, made of the connector options that stand beside
   * this, and closed together with what the adapter makes.
   */
  connector?: Dialer | undefined
}

/** An adapter's config, taken apart: how to connect, and what the driver is given. */
export interface OpenedAdapter<Config> {
  readonly dialer: Dialer
  readonly instance: string
  readonly connectOptions: Pick<ConnectOptions, 'ipType' | 'authType'>
  /** The config's remaining options: the driver's own. */
  readonly driverOptions: Omit<Config, keyof AdapterConfig>
  /**
   * The database user: as the config has it, or as AlloyDB names it for IAM login. A function where IAM login leaves
   * it to the credentials, which may have to be loaded to know.
   */
  readonly user: string | (() => Promise<string>) | undefined
  /** Whether IAM login is used: then there is no password, and the driver must look for none. */
  readonly usesIam: boolean
  /** Closes the connector if it was made here; does nothing to one that is shared. */
  close(): Promise<void>
}

/**
 * What a driver is given as the user where {@link OpenedAdapter.user} is a function, until that has told the user. Keeps
 * `PGUSER` and the name of the system's user out.
 */
export const unknownUser = '(IAM principal)'

/** What may be meant by a name that is nobody's. */
const optionNames = [...connectorOptionNames, 'connector', 'connectionString'] as const

/** Options of one connect; a shared connector can be asked for another of these each time. */
const connectOptionNames = ['ipType', 'authType'] as const

/**
 * Reads an adapter's config. Does no I/O.
 *
 * @param reserved the driver's options that say where or how to connect, which is not the user's to say here
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function openAdapter<Config extends AdapterConfig & { user?: unknown; password?: unknown }>(
  config: Config,
  reserved: readonly string[],
): OpenedAdapter<Config> {
  const { driverOptions, connectorOptions, usesIam } = readConfig(config, reserved)
  const { instance, connector } = config
  const { ipType, authType } = connectorOptions
  const own = connector === undefined ? new Connector(connectorOptions) : undefined
  const dialer = connector ?? (own as Dialer)
  return {
    dialer,
    instance,
    connectOptions: { ipType, authType },
    driverOptions,
    user: findUser(config.user, usesIam, dialer),
    usesIam,
    close: async () => own?.close(),
  }
}

/**
 * Refuses a config that {@link openAdapter} would refuse, and makes nothing of it: for what opens its adapter when it is
 * first used, and may never be. Does no I/O.
 *
 * @param reserved as with {@link openAdapter}
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function checkAdapterConfig(
  config: AdapterConfig & { user?: unknown; password?: unknown },
  reserved: readonly string[],
): void {
  const { connectorOptions } = readConfig(config, reserved)
  if (config.connector === undefined) resolveSettings(connectorOptions, process.env)
}

/** Opens a channel to one instance, or gives up when the signal is aborted. */
export type Dial = (signal: AbortSignal) => Promise<TLSSocket>

/**
 * Binds a dialer to one instance: for options that lead a driver there, and leave to the driver who logs in. Does no I/O.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, ALLOYDB_INVALID_OPTION
 */
export function bindDialer(
  dialer: Dialer,
  instance: string,
  options: Pick<ConnectOptions, 'ipType' | 'authType'>,
): Dial {
  checkDialer(dialer, instance)
  const { connectOptions, driverOptions } = openAdapter({ ...options, instance, connector: dialer }, [])
  const [foreign] = Object.keys(driverOptions)
  if (foreign !== undefined) {
    throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `The option "${foreign}" says nothing of how to dial.`, {
      instance,
      hint: `Give "${foreign}" to the driver itself. Options here are ipType and authType.`,
    })
  }
  return async (signal) => dialer.connect(instance, { ...connectOptions, signal })
}

/** Sorts the options into the connector's and the driver's, and checks all but what a new connector checks itself. */
function readConfig<Config extends AdapterConfig & { user?: unknown; password?: unknown }>(
  config: Config,
  reserved: readonly string[],
): Pick<OpenedAdapter<Config>, 'driverOptions' | 'usesIam'> & { connectorOptions: ConnectorOptions } {
  parseInstanceUri((config as Partial<Config> | undefined)?.instance as string) // there may be no config at all
  const { instance, connector, ...rest } = config
  const driverOptions: Record<string, unknown> = {}
  const connectorOptions: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue
    if (reserved.includes(name)) throw reservedError(name, instance)
    const isConnectors = (connectorOptionNames as readonly string[]).includes(name)
    if (isConnectors) connectorOptions[name] = value
    else {
      const meant = optionNames.find((known) => isMisspelt(name, known))
      if (meant !== undefined) throw misspeltError(name, meant, instance)
      driverOptions[name] = value
    }
  }

  const { ipType, authType } = connectorOptions as Pick<ConnectorOptions, 'ipType' | 'authType'>
  if (connector !== undefined) {
    checkDialer(connector, instance)
    checkShared(connectorOptions, instance)
  }
  if (ipType !== undefined) parseIpType(ipType)
  const usesIam = parseAuthType(authType ?? connector?.authType ?? 'PASSWORD') === 'IAM'
  if (usesIam && config.password !== undefined) throw passwordError(instance)
  if (config.user !== undefined) checkUser(config.user, instance)
  return {
    driverOptions: driverOptions as Omit<Config, keyof AdapterConfig>,
    connectorOptions,
    usesIam,
  }
}

function findUser(user: unknown, usesIam: boolean, dialer: Dialer): OpenedAdapter<unknown>['user'] {
  if (typeof user === 'string') return usesIam ? toIamUser(user) : user
  if (!usesIam) return undefined
  return async () => {
    if (dialer.getIamUser === undefined) {
      throw new AlloyDBError(
        'ALLOYDB_IAM_USER_UNKNOWN',
        'The dialer does not tell which IAM principal it logs in as.',
        {
          hint: 'Set `user` to the e-mail of the IAM principal that logs in.',
        },
      )
    }
    return dialer.getIamUser()
  }
}

/**
 * Makes what a dial says of how far it came the cause of the error that it was aborted with: a driver's timeout, which does not
 * say what took so long.
 */
export function explainAbort(error: Error, failure: Error): void {
  if (failure === error) return
  // The abort's own cause is its reason: each would be the other's.
  if (failure.cause === error) delete failure.cause
  Object.defineProperty(error, 'cause', { value: failure, configurable: true, writable: true })
}

/** Refuses what is not a dialer: most often a promise of one, or what a module does not export. */
function checkDialer(dialer: unknown, instance: string): void {
  if (typeof (dialer as Partial<Dialer> | null | undefined)?.connect === 'function') return
  throw new AlloyDBError('ALLOYDB_INVALID_OPTION', 'Invalid connector: it has no connect().', {
    instance,
    hint: 'Give a Connector of @alloydb/core, or a dialer of your own.',
  })
}

function checkShared(options: object, instance: string): void {
  const name = Object.keys(options).find((name) => !(connectOptionNames as readonly string[]).includes(name))
  if (name === undefined) return
  throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `The option "${name}" stands beside a shared connector.`, {
    instance,
    hint: `Give "${name}" to the Connector itself, or leave out \`connector\`.`,
  })
}

/** A driver takes any name, and makes nothing of it. */
function misspeltError(name: string, meant: string, instance: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `There is no option "${name}".`, {
    instance,
    hint: `Write "${meant}".`,
  })
}

/** An empty one is most often a variable that is not set; a driver would take somebody else for the user. */
function checkUser(user: unknown, instance: string): void {
  if (typeof user === 'string' && user !== '') return
  const what = user === '' ? 'empty' : 'not a string'
  throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `The option "user" is ${what}.`, {
    instance,
    hint: 'Give the name of the database user, or leave the option out.',
  })
}

function passwordError(instance: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', 'The option "password" stands beside IAM login.', {
    instance,
    hint: 'Remove `password`, or set `authType` to "PASSWORD".',
  })
}

function reservedError(name: string, instance: string): AlloyDBError {
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `The option "${name}" is not for AlloyDB connections.`, {
    instance,
    hint: 'Remove it: the instance URI says where to connect, and the channel is already encrypted and verified.',
  })
}
