import type {
  AnswerFault,
  Bytes,
  Fault,
  FaultOf,
  HttpFailure,
  PostgresFailure,
  Replacement,
  Time,
  TlsAlert,
} from './fault.ts'
import type { Step } from './request-log.ts'
import {
  anyNumber,
  count,
  cut,
  fail,
  type Fields,
  flag,
  instance,
  InvalidShapeError,
  isObject,
  milliseconds,
  number,
  object,
  oneOf,
  type Read,
  requireObject,
  text,
} from './shape-reader.ts'

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const garbage: Read<boolean | Bytes> = (value, name) => {
  if (typeof value === 'boolean' || (typeof value === 'string' && value !== '')) return value
  if (value instanceof Uint8Array && value.length > 0)
    return { base64: Buffer.from(value).toString('base64') }
  const encoded = isObject(value) && Object.keys(value).length === 1 ? value['base64'] : undefined
  if (typeof encoded === 'string' && encoded !== '' && base64.test(encoded)) return { base64: encoded }
  return fail(name, value, 'true, a text, or {"base64": "…"}')
}

const time: Read<Time> = (value, name) => {
  const date = value instanceof Date ? value : new Date(typeof value === 'string' ? value : NaN)
  return Number.isNaN(date.getTime())
    ? fail(name, value, 'a time, such as "2026-01-31T12:00:00Z"')
    : date.toISOString()
}

const replacement: Read<Replacement> = (value, name) => {
  if (!isObject(value) || Object.keys(value).length === 0) return fail(name, value, 'an object of fields')
  return Object.fromEntries(Object.entries(value).map(([field, entry]) => [field, entry ?? null]))
}

const textFields: Read<Readonly<Record<string, string>>> = (value, name) => {
  if (!isObject(value)) return fail(name, value, 'an object of texts')
  const entries = Object.entries(value).map(([field, entry]) => [field, text(entry, `${name}.${field}`)])
  return Object.fromEntries(entries) as Record<string, string>
}

const sqlState: Read<string> = (value, name) =>
  typeof value === 'string' && /^[0-9A-Z]{5}$/.test(value)
    ? value
    : fail(name, value, 'an SQLSTATE, such as "57P03"')

const alerts: readonly TlsAlert[] = [
  'handshake_failure',
  'access_denied',
  'protocol_version',
  'internal_error',
  'unrecognized_name',
]

const options = { times: count, forMs: milliseconds, instance, delayMs: milliseconds } as const
/** What says when a fault is met, and not what happens then. */
const CONDITIONS: readonly string[] = ['times', 'forMs', 'instance']
const answer: Fields<AnswerFault> = { ...options, stall: flag, close: cut, garbage }
const http = {
  ...answer,
  fail: object<HttpFailure>(
    {
      status: (value, name) =>
        typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599
          ? value
          : fail(name, value, 'an HTTP status of an error, 400 to 599'),
      message: text,
      reason: text,
      metadata: textFields,
      retryAfterSeconds: number(0, 'a whole number'),
    },
    ['status'],
  ),
  chunkBytes: count,
} as const

const steps: { readonly [S in Step]: Omit<Fields<FaultOf<S>>, 'step'> } = {
  token: {
    ...http,
    instance: (value, name) => fail(name, value, 'no instance: tokens are for all of them'),
    lifetimeMs: anyNumber,
    replace: replacement,
  },
  connectionInfo: { ...http, replace: replacement },
  certificate: {
    ...http,
    notBefore: time,
    notAfter: time,
    lifetimeMs: anyNumber,
    untrusted: flag,
    replace: replacement,
  },
  tcp: answer,
  tls: {
    ...answer,
    fail: object({ alert: oneOf(...alerts) }, ['alert']),
    chunkBytes: count,
    serverCertificate: oneOf('wrong-authority', 'wrong-address', 'expired', 'not-yet-valid'),
    maxVersion: oneOf('TLSv1.2'),
  },
  exchange: {
    ...answer,
    fail: object({ message: text }, ['message']),
    chunkBytes: count,
    glueWithPostgres: flag,
  },
  postgres: {
    ...answer,
    fail: object<PostgresFailure>({ code: sqlState, message: text, detail: text, hint: text }, [
      'code',
      'message',
    ]),
    chunkBytes: count,
  },
}

/**
 * Reads a fault, from JavaScript or from JSON.
 *
 * @throws {Error} that says what is wrong, and what is allowed
 */
export function parseFault(value: unknown): Fault {
  const { step, ...rest } = requireObject(value)
  const known = oneOf(...(Object.keys(steps) as Step[]))(step, 'step')
  const name = `A fault of the step "${known}"`
  const fields = object<object>(steps[known])(rest, name)
  const effects = Object.keys(steps[known]).filter((field) => !CONDITIONS.includes(field))
  const given = new Map<string, unknown>(Object.entries({ ...fields }))
  const isEffect = (effect: string): boolean =>
    effect === 'delayMs' ? Number(given.get(effect) ?? 0) > 0 : (given.get(effect) ?? false) !== false
  if (!effects.some(isEffect)) {
    throw new InvalidShapeError(`${name} has no effect.`, `Give it one or more of: ${effects.join(', ')}.`)
  }
  return { step: known, ...fields } as Fault
}

/** The bytes that are meant. */
export function bytesOf(bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes)
  return bytes instanceof Uint8Array ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64')
}
