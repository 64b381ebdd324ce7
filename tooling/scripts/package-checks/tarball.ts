import assert from 'node:assert/strict'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import { root, type PublishedPackage } from './published-packages.ts'

/** Packs a package as publishing does, and returns where the tarball is. */
export async function pack({ directory }: PublishedPackage, destination: string): Promise<string> {
  const output = await runCommand(['pnpm', 'pack', '--json', '--pack-destination', destination], {
    cwd: directory,
  })
  const { filename } = JSON.parse(output) as { filename: string }
  return filename
}

/** Holds the tarball against what a package ships: its build, its sources, README, licence, and nothing else. */
export async function checkContents(tarball: string): Promise<void> {
  const listing = await runCommand(['tar', '-tzf', tarball], { cwd: root })
  const files = listing
    .trim()
    .split('\n')
    .map((path) => path.replace('package/', ''))
  const sources = files.filter((path) => path.startsWith('src/'))
  assert(sources.length > 0, 'It has no src.')
  const built = sources.flatMap((path) => {
    const output = path.replace(/^src/, 'dist').replace(/\.ts$/, '')
    return ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((extension) => output + extension)
  })
  const expected = [
    'LICENSE',
    'README.md',
    'package.json',
    ...sources,
    ...built,
    ...(await listOthers(tarball, files)),
  ]
  const missing = expected.filter((path) => !files.includes(path))
  const surplus = files.filter((path) => !expected.includes(path))
  assert(missing.length === 0, `It lacks ${missing.join(', ')}.`)
  assert(surplus.length === 0, `It also has ${surplus.join(', ')}.`)
}

/** What the manifest lists besides the build, the sources and what every package has: files, and all that is in folders. */
async function listOthers(tarball: string, packed: readonly string[]): Promise<string[]> {
  const text = await runCommand(['tar', '-xzOf', tarball, 'package/package.json'], { cwd: root })
  const { files } = JSON.parse(text) as { files: string[] }
  const others = files.filter((name) => !['dist', 'src', 'README.md'].includes(name))
  return others.flatMap((name) => {
    const inFolder = packed.filter((path) => path.startsWith(`${name}/`))
    return inFolder.length === 0 ? [name] : inFolder
  })
}

/** Checks that the manifest in the tarball is meant for users: nothing in it is for this repository alone. */
export async function checkManifest(tarball: string): Promise<void> {
  const text = await runCommand(['tar', '-xzOf', tarball, 'package/package.json'], { cwd: root })
  assert(!text.includes('@alloydb/source'), 'An export has the condition "@alloydb/source".')
  assert(!/"(workspace|catalog):/.test(text), 'A dependency has a range that only this workspace knows.')
}

/** Runs publint, strictly. */
export async function runPublint(tarball: string): Promise<void> {
  await runCommand([join(root, 'node_modules/.bin/publint'), 'run', '--strict', tarball], { cwd: root })
}

/** Runs "are the types wrong?", for packages that are ES modules only. */
export async function runTypesWrong(tarball: string): Promise<void> {
  const attw = join(root, 'node_modules/.bin/attw')
  await runCommand([attw, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', tarball], { cwd: root })
}
