import { parseArgs } from 'node:util'
import type { Metric } from './metric.ts'

/** What one run is to do. */
export interface Command {
  readonly metrics: readonly Metric[]
  readonly quick: boolean
  /** Where to write the numbers as JSON. */
  readonly jsonFile: string | undefined
}

/** The user asked for what there is not; the message says what there is. */
export class UsageError extends Error {}

/** Says what can be given. */
export function describeUsage(metrics: readonly Metric[]): string {
  return [
    'Usage: pnpm bench [name …] [--quick] [--json <file>]',
    '',
    '  name           metrics to measure; all where none is given',
    '  --quick        a few rounds of each: tries the harness, its numbers mean nothing',
    '  --json <file>  writes the numbers to a file as well',
    '',
    'Metrics:',
    ...metrics.flatMap(({ names }) => names.map((name) => `  ${name}`)),
  ].join('\n')
}

/**
 * Reads the arguments.
 *
 * @throws UsageError
 */
export function parseCommandLine(args: readonly string[], metrics: readonly Metric[]): Command | 'help' {
  const { values, positionals } = parse(args)
  if (values.help === true) return 'help'
  const unknown = positionals.filter((name) => !metrics.some(({ names }) => names.includes(name)))
  if (unknown.length > 0) {
    const known = metrics.flatMap(({ names }) => names).join(', ')
    throw new UsageError(`There is no metric "${unknown.join('", "')}".\nThere are: ${known}.`)
  }
  return {
    metrics: metrics.filter(
      ({ names }) => positionals.length === 0 || names.some((name) => positionals.includes(name)),
    ),
    quick: values.quick === true,
    jsonFile: values.json,
  }
}

function parse(args: readonly string[]): ReturnType<typeof parseKnown> {
  try {
    return parseKnown(args)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function parseKnown(args: readonly string[]) {
  return parseArgs({
    args: args.filter((argument, index) => !(argument === '--' && index === 0)),
    allowPositionals: true,
    options: { quick: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
}
