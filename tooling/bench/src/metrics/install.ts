import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  findPublishedPackages,
  withDependencies,
} from '../../../scripts/package-checks/published-packages.ts'
import { pack } from '../../../scripts/package-checks/tarball.ts'
import { runCommand } from '../../../scripts/run-command.ts'
import { CannotMeasure, type Bench, type Metric } from '../metric.ts'
import type { StripRow } from '../plot.ts'
import { exactly } from '../statistics.ts'

const subject = '@alloydb/pg'
const reference = '@google-cloud/cloud-sql-connector'
const driver = 'pg'

interface Installed {
  readonly packages: number
  readonly kilobytes: number
}

/** Each run installs once, for both metrics. */
const comparisons = new WeakMap<Bench, Promise<Comparison>>()

interface Comparison {
  readonly ours: Installed
  readonly theirs: Installed
}

/** How many packages npm puts into an empty folder. Counted, not timed. */
export const installedPackages: Metric = {
  names: ['install_packages'],
  title: `Installed packages, with ${driver}`,
  async measure(bench) {
    const { ours, theirs } = await compareOnce(bench)
    return {
      figures: [
        {
          name: 'install_packages',
          against: `${theirs.packages} of ${reference} with ${driver}; ${subject} with ${driver}: ${ours.packages}`,
          unit: 'ratio',
          value: exactly(ours.packages / theirs.packages),
          bar: { atMost: 0.5 },
        },
      ],
      plot: { kind: 'strips', unit: 'packages', rows: rowsOf(ours.packages, theirs.packages) },
    }
  },
}

/** How much npm puts into an empty folder. */
export const installedSize: Metric = {
  names: ['install_kb'],
  title: `Size of what is installed, with ${driver}`,
  async measure(bench) {
    const { ours, theirs } = await compareOnce(bench)
    return {
      figures: [
        {
          name: 'install_kb',
          against: `${theirs.kilobytes} KB of ${reference} with ${driver}`,
          unit: 'KB',
          value: exactly(ours.kilobytes),
        },
      ],
      plot: { kind: 'strips', unit: 'KB', rows: rowsOf(ours.kilobytes, theirs.kilobytes) },
    }
  },
}

function rowsOf(ours: number, theirs: number): StripRow[] {
  return [
    { label: `${subject}, ${driver}`, values: [ours] },
    { label: `${reference}, ${driver}`, values: [theirs] },
  ]
}

function compareOnce(bench: Bench): Promise<Comparison> {
  const comparison = comparisons.get(bench) ?? installBoth(bench)
  comparisons.set(bench, comparison)
  return comparison
}

async function installBoth({ signal }: Bench): Promise<Comparison> {
  const directory = await mkdtemp(join(tmpdir(), 'alloydb-bench-'))
  try {
    const tarballs = await packWithDependencies(directory)
    const ours = await installInto(join(directory, 'subject'), [...tarballs, driver], signal)
    const theirs = await installInto(join(directory, 'reference'), [reference, driver], signal)
    return { ours, theirs }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 }) // npm may still be dying
  }
}

async function packWithDependencies(directory: string): Promise<string[]> {
  const all = findPublishedPackages()
  const found = all.find(({ manifest }) => manifest.name === subject)
  if (found === undefined) throw new Error(`There is no package ${subject}.`)
  return Promise.all(withDependencies(found, all).map((published) => pack(published, directory)))
}

async function installInto(
  directory: string,
  packages: readonly string[],
  signal: AbortSignal,
): Promise<Installed> {
  await mkdir(directory)
  await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
  try {
    await runCommand(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
      cwd: directory,
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new CannotMeasure(`npm could not install, which takes its registry.\n${reason}`, { cause: error })
  }
  return {
    packages: await countPackages(join(directory, 'package-lock.json')),
    kilobytes: Math.round((await sizeOf(join(directory, 'node_modules'))) / 1_000),
  }
}

async function countPackages(lockFile: string): Promise<number> {
  const { packages } = JSON.parse(await readFile(lockFile, 'utf8')) as {
    packages: Record<string, { optional?: boolean }>
  }
  return Object.keys(packages).filter((path) => path !== '').length
}

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
