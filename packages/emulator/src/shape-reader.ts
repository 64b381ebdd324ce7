import type { Cut } from './fault.ts'
import { parseInstanceName } from './instance-name.ts'

/** What was given has not the shape that is wanted. The first line says why, the second what would do. */
export class InvalidShapeError extends Error {
  override name = 'InvalidShapeError'

  constructor(wrong: string, expected: string) {
    super(`${wrong}\n${expected}`)
  }
}

/** Reads a value that was given for `name`, and gives it in the form that JSON has for it. */
export type Read<T> = (value: unknown, name: string) => T
/** How each of a shape's fields is read; the compiler sees that none is missing. */
export type Fields<T> = { readonly [K in keyof T]-?: Read<Exclude<T[K], undefined>> }

export const flag: Read<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, value, 'true or false')
export const text: Read<string> = (value, name) =>
  typeof value === 'string' ? value : fail(name, value, 'a text')

export function number(least: number, unit: 'a whole number' | 'a number'): Read<number> {
  return (value, name) => {
    const fits = unit === 'a number' ? Number.isFinite(value) : Number.isSafeInteger(value)
    if (fits && typeof value === 'number' && value >= least) return value
    return fail(name, value, `${unit}${least === -Infinity ? '' : `, ${least} or more`}`)
  }
}

/** Longer than this no timer can wait: it would not wait at all. */
const LONGEST_MS = 2 ** 31 - 1

export function oneOf<const T extends string>(...choices: readonly T[]): Read<T> {
  return (value, name) =>
    choices.find((choice) => choice === value) ??
    fail(name, value, choices.map((choice) => JSON.stringify(choice)).join(' or '))
}

export const instance: Read<string> = (value, name) => {
  try {
    return parseInstanceName(text(value, name)).uri
  } catch {
    return fail(
      name,
      value,
      'an instance URI: "projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>"',
    )
  }
}

export const milliseconds: Read<number> = (value, name) =>
  typeof value === 'number' && value >= 0 && value <= LONGEST_MS
    ? value
    : fail(name, value, `milliseconds, 0 to ${LONGEST_MS}`)
export const anyNumber: Read<number> = number(-Infinity, 'a number')
export const count: Read<number> = number(1, 'a whole number')
export const cut: Read<Cut> = oneOf('FIN', 'RST')

/** Reads each entry of an array. */
export function list<T>(read: Read<T>): Read<readonly T[]> {
  return (value, name) =>
    Array.isArray(value)
      ? value.map((entry: unknown, index) => read(entry, `${name}[${index}]`))
      : fail(name, value, 'a list')
}

export function object<T extends object>(fields: Fields<T>, required: readonly string[] = []): Read<T> {
  const readers = new Map(Object.entries<Read<unknown>>(fields))
  return (value, name) => {
    if (!isObject(value)) return fail(name, value, `an object of ${[...readers.keys()].join(', ')}`)
    const prefix = name.includes(' ') ? '' : `${name}.`
    const found: Record<string, unknown> = {}
    for (const [field, entry] of Object.entries(value)) {
      if (entry === undefined) continue
      const read = readers.get(field)
      if (!read) {
        throw new InvalidShapeError(
          `${name} has no field ${JSON.stringify(field)}.`,
          `It may have: ${[...readers.keys()].join(', ')}.`,
        )
      }
      found[field] = read(entry, prefix + field)
    }
    const missing = required.find((field) => found[field] === undefined)
    if (missing) {
      throw new InvalidShapeError(
        `${name} has no ${missing}.`,
        `It needs ${required.join(' and ')}, and may have: ${[...readers.keys()].join(', ')}.`,
      )
    }
    return found as T
  }
}

export function requireObject(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value
  throw new InvalidShapeError(`${show(value)} is no fault.`, 'A fault is an object with a "step".')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Date)
  )
}

export function fail(name: string, value: unknown, expected: string): never {
  throw new InvalidShapeError(`${name} is ${show(value)}.`, `Expected ${expected}.`)
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
