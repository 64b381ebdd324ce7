import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ServiceAccountKey } from '../credentials.ts'
import { createRuntimeDirectory } from '../runtime-directory.ts'

/** A service account's key, as a file for `GOOGLE_APPLICATION_CREDENTIALS`. */
export interface ServiceAccountFile extends AsyncDisposable {
  path: string
}

/**
 * Writes the key into the directory that is kept, where there is one, so that the path stays the same; else into a private
 * directory, which goes with this process.
 */
export async function writeServiceAccountFile(
  key: ServiceAccountKey,
  keptDirectory: string | undefined,
): Promise<ServiceAccountFile> {
  const directory = await (keptDirectory === undefined
    ? createRuntimeDirectory()
    : { path: resolve(keptDirectory), remove: () => Promise.resolve() })
  const path = join(directory.path, 'service-account.json')
  await writeFile(path, `${JSON.stringify(key, undefined, 2)}\n`, { mode: 0o600 })
  return { path, [Symbol.asyncDispose]: () => directory.remove() }
}
