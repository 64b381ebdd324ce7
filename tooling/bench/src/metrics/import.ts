import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { again, runInterleaved, withControl, type Variant } from '../comparison.ts'
import {
  findPublishedPackages,
  type PublishedPackage,
} from '../../../scripts/package-checks/published-packages.ts'
import { runCommand } from '../../../scripts/run-command.ts'
import type { Bench, Figure, Metric } from '../metric.ts'
import type { StripRow } from '../plot.ts'
import { measureUntilSteady } from '../run-metric.ts'
import { quantile, summarize } from '../statistics.ts'

const coreName = '@alloydb/core'
/** Not for production, and with a budget of its own. */
const withoutBar = ['@alloydb/emulator']
/** An `import … from` or `export … from`, or an import for its effects alone, in what tsc writes. */
const staticImport = /^(?:import|export)(?: [^'"]*? from)? ['"]([^'"]+)['"]/gm
const emptyModule = 'data:text/javascript,'

/** What importing each package takes, beyond the packages that it imports itself. */
export const importTime: Metric = {
  names: ['import_ms'],
  title: 'Importing a package',
  async measure(bench) {
    const figures: Figure[] = []
    const rows: StripRow[] = []
    for (const published of findPublishedPackages()) {
      const found = await measureUntilSteady(() => measurePackage(published, bench), bench)
      figures.push(...found.figures)
      rows.push(found.row)
    }
    return { figures, plot: { kind: 'strips', unit: 'ms', rows } }
  },
}

async function measurePackage(
  published: PublishedPackage,
  { quick, signal }: Bench,
): Promise<{ figures: [Figure]; row: StripRow }> {
  const { name } = published.manifest
  const samples = await runInterleaved(
    withControl(createVariants(published, signal), name),
    quick ? { rounds: 2, warmUpRounds: 0 } : { rounds: 60 },
    signal,
  )
  const empty = samples.get('an empty module') ?? []
  const net = (samples.get(name) ?? []).map((value, round) => value - (empty[round] ?? 0))
  const isCore = name === coreName
  const bases = findBases(published)
  const figure: Figure = {
    name: 'import_ms',
    case: name,
    against: bases.length === 0 ? 'less an empty module' : `after ${bases.join(', ')}; less an empty module`,
    unit: 'ms',
    value: summarize(net),
    // Medians first: of such short times, each ratio says little.
    control: quantile(samples.get(again(name)) ?? [], 0.5) / quantile(samples.get(name) ?? [], 0.5),
    bar: withoutBar.includes(name) ? undefined : { atMost: isCore ? 15 : 5 },
  }
  return { figures: [figure], row: { label: name, values: net } }
}

function createVariants(published: PublishedPackage, signal: AbortSignal): Variant[] {
  const bases = findBases(published)
  const measure = async (specifier: string): Promise<number> => {
    const loads = bases.map((base) => `await import(${JSON.stringify(base)})`)
    const program = `${loads.join('\n')}
      const startedAt = performance.now()
      await import(${JSON.stringify(specifier)})
      console.log(performance.now() - startedAt)`
    // Run in the package's folder, so that names mean what they mean to it.
    const output = await runCommand([process.execPath, '--input-type=module', '--eval', program], {
      cwd: published.directory,
      signal,
    })
    return Number(output)
  }
  const { name } = published.manifest
  return [
    { name, measure: () => measure(name) },
    { name: 'an empty module', measure: () => measure(emptyModule) },
  ]
}

/**
 * What is there already when an adapter is imported: whatever its files import of core, of its driver or library, and of the
 * adapter that it is built on. Not so any other dependency of its own, whose time is the adapter's.
 */
function findBases({
  directory,
  manifest: { exports, dependencies = {}, peerDependencies = {} },
}: PublishedPackage): string[] {
  if (!Object.keys(dependencies).some(isOurs)) return []
  const entry = property(exports?.['.'], 'default')
  if (typeof entry !== 'string') throw new Error(`${directory} has no entry point.`)
  const names = [...Object.keys(peerDependencies), ...Object.keys(dependencies).filter(isOurs)]
  const isBase = (specifier: string): boolean =>
    names.some((name) => specifier === name || specifier.startsWith(`${name}/`))
  const seen = new Set<string>()
  const bases = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(staticImport)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
      else if (isBase(specifier)) bases.add(specifier)
    }
  }
  visit(join(directory, entry))
  return [...bases]
}

function isOurs(name: string): boolean {
  return name.startsWith('@alloydb/')
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
