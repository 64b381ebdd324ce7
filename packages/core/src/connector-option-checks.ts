import { AlloyDBError } from './alloydb-error.ts'
import { connectorOptionNames, type ConnectorOptions, type RefreshStrategy } from './connector-options.ts'
import type { AuthType, ConnectOptions, IpType } from './dialer.ts'
import { property } from './property.ts'

const ipTypes: readonly IpType[] = ['PRIVATE', 'PUBLIC', 'PSC']
const authTypes: readonly AuthType[] = ['PASSWORD', 'IAM']
const refreshStrategies: readonly RefreshStrategy[] = ['background', 'lazy', 'auto']

/** Set where the CPU gets no time between requests. */
const throttledEnvironments = ['K_SERVICE', 'FUNCTION_TARGET', 'AWS_LAMBDA_FUNCTION_NAME', 'VERCEL']

/** Reads an IP type, in any case. */
export function parseIpType(value: unknown): IpType {
  return parseChoice('ipType', value, ipTypes, (text) => text.toUpperCase())
}

/** Reads an auth type, in any case. */
export function parseAuthType(value: unknown): AuthType {
  return parseChoice('authType', value, authTypes, (text) => text.toUpperCase())
}

/** Reads a refresh strategy and decides what `'auto'` is here. */
export function parseRefreshStrategy(value: unknown, env: NodeJS.ProcessEnv): 'background' | 'lazy' {
  const strategy = parseChoice('refreshStrategy', value, refreshStrategies, (text) => text.toLowerCase())
  if (strategy !== 'auto') return strategy
  return throttledEnvironments.some((name) => env[name]) ? 'lazy' : 'background'
}

/** Reads a whole number of at least 1. */
export function parsePositive(name: keyof ConnectorOptions, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 31 - 1)
    return value
  throw invalidOption(name, value, 'a whole number from 1 to 2147483647')
}

/** What the options that are passed on as they are have to be. */
const shapes: Partial<Record<keyof ConnectorOptions, [test: (value: unknown) => boolean, expected: string]>> =
  {
    auth: [isAuth, 'a GoogleAuth, or a client of google-auth-library'],
    loginAuth: [isAuth, 'a GoogleAuth, or a client of google-auth-library'],
    impersonate: [
      isImpersonation,
      '{ targetPrincipal: "<e-mail of a service account>", delegates?: [e-mails] }',
    ],
    quotaProject: [isText, 'the ID of a project'],
    apiEndpoint: [isText, 'a host or an https:// URL'],
    universeDomain: [(value) => typeof value === 'string' && /^[\w-]+(\.[\w-]+)+$/.test(value), 'a domain'],
    userAgent: [isText, 'printable text'],
    createConnection: [isFunction, 'a function (host, port, signal) => Duplex'],
    logger: [
      (value) => isFunction(property(value, 'debug')) && isFunction(property(value, 'warn')),
      'an object with the methods debug and warn',
    ],
  }

/** Refuses what could only fail later, and less clearly. */
export function checkShapes(options: ConnectorOptions): void {
  for (const [name, [test, expected]] of Object.entries(shapes)) {
    const value: unknown = property(options, name)
    if (value !== undefined && !test(value)) {
      throw invalidOption(name as keyof ConnectorOptions, value, expected)
    }
  }
}

function isAuth(value: unknown): boolean {
  if (isFunction(property(value, 'getClient'))) return true
  // The calls to the Admin API go by the client's transporter.
  const request = property(property(value, 'transporter'), 'request')
  return isFunction(property(value, 'getRequestHeaders')) && isFunction(request)
}

function isImpersonation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { targetPrincipal, delegates = [], ...rest } = value as Record<string, unknown>
  const hasDelegates = Array.isArray(delegates) && delegates.every(isText)
  return isText(targetPrincipal) && hasDelegates && Object.keys(rest).length === 0
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Text that may stand in an HTTP header. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
}

/** Refuses options that do not exist: a misspelt one would be without effect, and nobody would know. */
export function checkOptionNames(options: unknown): asserts options is ConnectorOptions {
  checkNames('The connector', options, connectorOptionNames)
}

const connectOptionNames: readonly string[] = Object.keys({
  ipType: true,
  authType: true,
  signal: true,
} satisfies Record<keyof ConnectOptions, true>)

/** Refuses what is no options of a connect. */
export function checkConnectOptions(options: unknown): asserts options is ConnectOptions {
  checkNames('A connect', options, connectOptionNames)
  const signal = property(options, 'signal')
  if (signal === undefined || isFunction(property(signal, 'addEventListener'))) return
  throw invalidOption('signal', signal, 'an AbortSignal, such as the `signal` of an AbortController')
}

function checkNames(whose: string, options: unknown, names: readonly string[]): void {
  const refuse = (summary: string): AlloyDBError =>
    new AlloyDBError('ALLOYDB_INVALID_OPTION', `${whose} ${summary}.`, {
      hint: `It has: ${names.join(', ')}.`,
    })
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refuse('takes its options as an object')
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw refuse(`has no option "${name}"`)
  }
}

function parseChoice<T extends string>(
  name: keyof ConnectorOptions,
  value: unknown,
  choices: readonly T[],
  normalise: (text: string) => string,
): T {
  const found = typeof value === 'string' ? choices.find((choice) => choice === normalise(value)) : undefined
  if (found === undefined) {
    throw invalidOption(name, value, choices.map((choice) => `"${choice}"`).join(', '))
  }
  return found
}

/** Options in whose place nobody gives a credential by mistake. */
const shownOptions: readonly string[] = [
  'ipType',
  'authType',
  'refreshStrategy',
  'universeDomain',
  'connectTimeoutMs',
  'refreshTimeoutMs',
  'maxConcurrentHandshakes',
]

function invalidOption(
  name: keyof ConnectorOptions | keyof ConnectOptions,
  value: unknown,
  expected: string,
): AlloyDBError {
  // Never the content of an object or of other text: it may be a credential.
  const isPlain = ['number', 'boolean', 'bigint'].includes(typeof value) || value === null
  const isShown = typeof value === 'string' && shownOptions.includes(name)
  const shown = isShown ? JSON.stringify(value) : isPlain ? String(value) : typeof value
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid ${name}: ${shown}.`, {
    hint: `Expected ${expected}.`,
  })
}
