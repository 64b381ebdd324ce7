import { AlloyDBError } from './alloydb-error.ts'
import { connectorOptionNames, type ConnectorOptions, type RefreshStrategy } from './connector-options.ts'
import type { AuthType, IpType } from './dialer.ts'
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
      (value) => isText(property(value, 'targetPrincipal')),
      '{ targetPrincipal: "<e-mail of a service account>", delegates? }',
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
  return isFunction(property(value, 'getClient')) || isFunction(property(value, 'getRequestHeaders'))
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Text that may stand in an HTTP header. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
}

/** Refuses options that do not exist: a misspelt one would be without effect, and nobody would know. */
export function checkOptionNames(options: object): void {
  for (const name of Object.keys(options)) {
    if (!(connectorOptionNames as readonly string[]).includes(name)) {
      throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `The connector has no option "${name}".`, {
        hint: `It has: ${connectorOptionNames.join(', ')}.`,
      })
    }
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

function invalidOption(name: keyof ConnectorOptions, value: unknown, expected: string): AlloyDBError {
  // Never an object's content: it may be a credential.
  const isPlain = ['number', 'boolean', 'bigint'].includes(typeof value) || value === null
  const shown = typeof value === 'string' ? JSON.stringify(value) : isPlain ? String(value) : typeof value
  return new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid ${name}: ${shown}.`, {
    hint: `Expected ${expected}.`,
  })
}
