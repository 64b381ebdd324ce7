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

type OptionName =
  | 'instance'
  | 'read-pool'
  | 'user'
  | 'port'
  | 'admin-port'
  | 'listen'
  | 'address'
  | 'psc-dns-name'
  | 'postgres'
  | 'database'
  | 'data-dir'
  | 'init'
  | 'json'
  | 'quiet'
  | 'help'
  | 'version'

/** Every option of the command line, in the order of the help. */
const OPTIONS: Readonly<Record<OptionName, OptionDescription>> = {
  instance: {
    type: 'string',
    value: '<uri>',
    help: [
      'An instance: projects/<p>/locations/<r>/clusters/<c>/instances/<i>. May be given',
      'several times, for several clusters too; those of one cluster share users and data.',
    ],
  },
  'read-pool': {
    type: 'string',
    value: '<uri>',
    help: ["A read pool: serves its cluster's data, and refuses to write. May be given several times."],
  },
  user: {
    type: 'string',
    value: '<user>',
    help: [
      'A database user, <name>:<password> or, for IAM logins, <email>. May be given several times.',
      'There are always "postgres" with the password "postgres", and the service account.',
    ],
  },
  port: {
    type: 'string',
    value: '<port>',
    help: ["The server-side proxies' port; 0: a free one for each. Defaults to 5433; with exec, to 0."],
  },
  'admin-port': {
    type: 'string',
    value: '<port>',
    help: ["The Admin API's port; 0: a free one. Defaults to 9797; with exec, to 0."],
  },
  listen: {
    type: 'string',
    value: '<address>',
    help: [
      'Listens there instead of on loopback addresses: 0.0.0.0 in a container. Who can reach it gets',
      'tokens and data. Instances get ports one after the other.',
    ],
  },
  address: {
    type: 'string',
    value: '<ip>',
    help: [
      'With --listen: the IP address at which clients dial the instances. Defaults to that of',
      '--listen, or to 127.0.0.1 where that is all of them.',
    ],
  },
  'psc-dns-name': {
    type: 'string',
    value: '<name>',
    help: ['With --listen: the name at which clients dial them, by the IP type PSC. Defaults to localhost.'],
  },
  postgres: {
    type: 'string',
    value: '<url>',
    help: [
      'A PostgreSQL of your own: postgres://<user>:<password>@<host>:<port>/<database>. The user must',
      'be a superuser or have CREATEROLE. The server is left running, and its data alone.',
    ],
  },
  database: {
    type: 'string',
    value: '<name>',
    help: [
      'A database to work in: made where it is not there, and owned by the user "postgres".',
      'Defaults to "postgres".',
    ],
  },
  'data-dir': {
    type: 'string',
    value: '<directory>',
    help: ['Keeps data, authorities and keys between runs. Defaults to keeping nothing.'],
  },
  init: {
    type: 'string',
    value: '<file.sql>',
    help: [
      'SQL to run once, on new data, as the user "postgres" in --database; each file all or nothing.',
      'May be given several times.',
    ],
  },
  json: { type: 'boolean', help: ['Prints one line of JSON when ready, and nothing else on stdout.'] },
  quiet: { type: 'boolean', short: 'q', help: ['Does not log connections.'] },
  help: { type: 'boolean', short: 'h', help: ['Prints this.'] },
  version: { type: 'boolean', short: 'v', help: ['Prints the version.'] },
}

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
