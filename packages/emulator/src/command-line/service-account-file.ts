import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceAccountKey } from '../credentials.ts'
import { createRuntimeDirectory } from '../runtime-directory.ts'

/** A service account's key, as a file for `GOOGLE_APPLICATION_CREDENTIALS`. */
export interface ServiceAccountFile extends AsyncDisposable {
  path: string
}

/** Writes the key into a private directory of its own, which goes with this process. */
export async function writeServiceAccountFile(key: ServiceAccountKey): Promise<ServiceAccountFile> {
  const directory = await createRuntimeDirectory()
  const path = join(directory.path, 'service-account.json')
  await writeFile(path, `${JSON.stringify(key, undefined, 2)}\n`, { mode: 0o600 })
  return { path, [Symbol.asyncDispose]: () => directory.remove() }
}
