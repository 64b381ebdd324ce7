import { parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'

interface OptionDescription {
  type: 'string' | 'boolean'
  short?: string
  /** What the help calls the value. */
  value?: string
  /** Lines of the help. */
  help: readonly string[]
}

/** Every option of the command line, in the order of the help. */
const OPTIONS: Readonly<Record<OptionName, OptionDescription>> = {
  instance: {
    type: 'string',
    value: '<uri>',
    help: ['An instance; may be given several times, for several clusters too.'],
  },
  'read-pool': {
    type: 'string',
    value: '<uri>',
    help: ["A read pool: serves its cluster's data, and refuses to write."],
  },
  help: { type: 'boolean', short: 'h', help: ['Prints this.'] },
  version: { type: 'boolean', short: 'v', help: ['Prints the version.'] },
}

type OptionName = 'instance' | 'read-pool' | 'help' | 'version'

/** What was given on the command line. */
export interface GivenOptions {
  positionals: readonly string[]
  has(name: OptionName): boolean
  /** The values of an option, in their order. */
  all(name: OptionName): readonly string[]
  /** The value of an option that may be given once. */
  one(name: OptionName): string | undefined
}

/** Tells options, their values and positional words apart. */
export function parseOptions(words: readonly string[]): GivenOptions {
  // Not strict, so that the errors can be our own: Node's give advice that does not hold here.
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const given = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!isOptionName(name)) throw new UsageError(`Unknown option "${rawName}".`)
    const { type, value: placeholder } = OPTIONS[name]
    if (type === 'boolean' && value !== undefined) throw new UsageError(`${rawName} takes no value.`)
    if (type === 'string' && (!value || (!inlineValue && value.startsWith('-')))) {
      throw new UsageError(`${rawName} needs a value: ${rawName} ${placeholder}`)
    }
    given.set(name, [...(given.get(name) ?? []), value ?? ''])
  }
  return {
    positionals,
    has: (name) => given.has(name),
    all: (name) => given.get(name) ?? [],
    one: (name) => {
      const values = given.get(name) ?? []
      if (values.length > 1) throw new UsageError(`--${name} can be given only once.`)
      return values[0]
    },
  }
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name)
}

/** The help's lines on the options. */
export function describeOptions(): string {
  const rows = Object.entries(OPTIONS).map(([name, { short, value, help }]) => ({
    left: `  ${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
    help,
  }))
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2
  return rows
    .flatMap(({ left, help }) =>
      help.map((line, index) => `${(index === 0 ? left : '').padEnd(width)}${line}`),
    )
    .join('\n')
}
