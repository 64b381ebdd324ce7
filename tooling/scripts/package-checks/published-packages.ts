import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The fields of a package.json that the checks read. */
interface PackageManifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface PublishedPackage {
  readonly directory: string
  readonly manifest: PackageManifest
  /** What users import: `@alloydb/core`, `@alloydb/core/adapter`. */
  readonly entryPoints: readonly string[]
}

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '../../..')

/** Finds the packages that are published: all of `packages/` that are not private. */
export function findPublishedPackages(): PublishedPackage[] {
  return globSync('packages/*/package.json', { cwd: root })
    .toSorted()
    .map((path) => ({
      directory: dirname(join(root, path)),
      manifest: JSON.parse(readFileSync(join(root, path), 'utf8')) as PackageManifest,
    }))
    .filter(({ manifest }) => manifest.private !== true)
    .map((found) => ({ ...found, entryPoints: findEntryPoints(found.manifest) }))
}

function findEntryPoints({ name, exports = {} }: PackageManifest): string[] {
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => name + path.slice(1))
}

/** A package and the packages of this repository that it depends on, directly or not. */
export function withDependencies(
  published: PublishedPackage,
  all: readonly PublishedPackage[],
): PublishedPackage[] {
  const dependencies = all.filter(
    ({ manifest }) => published.manifest.dependencies?.[manifest.name] !== undefined,
  )
  return [...new Set([published, ...dependencies.flatMap((one) => withDependencies(one, all))])]
}
