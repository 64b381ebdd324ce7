import { DEFAULT_INSTANCE, type EmulatorOptions } from '../emulator.ts'
import { parseOptions } from './command-line-options.ts'
import { UsageError } from './usage-error.ts'

/** What the command line asks for. */
export type Command = { kind: 'help' } | { kind: 'version' } | ExecCommand

/** Run a program beside an emulator. */
export interface ExecCommand {
  kind: 'exec'
  file: string
  args: readonly string[]
  options: EmulatorOptions
}

/** Parses the words that follow the program's name. Throws a {@link UsageError} where they make no sense. */
export function parseCommandLine(words: readonly string[]): Command {
  const separator = words.indexOf('--')
  const given = parseOptions(separator < 0 ? words : words.slice(0, separator))
  const [file, ...args] = separator < 0 ? [] : words.slice(separator + 1)
  if (given.has('help')) return { kind: 'help' }
  if (given.has('version')) return { kind: 'version' }

  const [subcommand, ...rest] = given.positionals
  if (subcommand !== 'exec') {
    throw new UsageError(
      subcommand === undefined ? 'There is no command.' : `Unknown command "${subcommand}".`,
    )
  }
  if (rest.length > 0 || file === undefined) {
    const example = rest.length > 0 ? rest.join(' ') : 'node main.js'
    throw new UsageError(`Write the program to run after "--": alloydb-emulator exec -- ${example}`)
  }
  const instances = given.all('instance')
  const readPools = given.all('read-pool').map((uri) => ({ uri, instanceType: 'READ_POOL' as const }))
  const options = { instances: [...(instances.length > 0 ? instances : [DEFAULT_INSTANCE]), ...readPools] }
  return { kind: 'exec', file, args, options }
}
