import { mkdtemp, readdir, rm, rmdir, stat } from 'node:fs/promises'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claim, findOwner } from './owner-socket.ts'
import { POSTGRES_PORT } from './postgres-target.ts'

const PREFIX = 'alloydb-emulator-'
const OWNER_SOCKET = 'owner.sock'
// A directory younger than this may belong to a process that has not yet put its socket there.
const NEWBORN_MS = 60_000
// sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included. mkdtemp puts six letters behind the prefix.
const LONGEST_SOCKET_NAME = `${PREFIX}XXXXXX/.s.PGSQL.${POSTGRES_PORT}`
const MAX_SOCKET_PATH = 103

/** A private directory of this process, below the system's temporary directory. */
export interface RuntimeDirectory {
  path: string
  remove(): Promise<void>
}

/** Makes the directory, which others can tell from one left behind by a dead process. */
export async function createRuntimeDirectory(): Promise<RuntimeDirectory> {
  const base = temporaryDirectory()
  const path = await mkdtemp(join(base, PREFIX))
  let owner: Server
  try {
    owner = await claim(join(path, OWNER_SOCKET))
  } catch (error) {
    await rm(path, { recursive: true, force: true })
    throw error
  }
  return {
    path,
    async remove() {
      owner.close()
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/**
 * Removes the directories of emulators that died without a chance to clean up. A PostgreSQL that survived in one
 * of them ends by itself within a minute, as it does whenever its lock file is gone.
 */
export async function sweepStaleDirectories(own: RuntimeDirectory): Promise<void> {
  const base = temporaryDirectory()
  const names = (await readdir(base)).filter((name) => name.startsWith(PREFIX))
  await Promise.all(
    names.map(async (name) => {
      const path = join(base, name)
      if (path !== own.path) await sweep(path, own.path).catch(() => {})
    }),
  )
}

async function sweep(path: string, own: string): Promise<void> {
  const owner = await findOwner(join(path, OWNER_SOCKET))
  if (owner === 'dead') await rm(path, { recursive: true, force: true })
  if (owner !== 'none') return
  // Two files' times are compared, rather than with Date.now(), which a test may have faked.
  const [theirs, ours] = await Promise.all([stat(path), stat(own)])
  // Where there is anything in it, it is somebody's who has named it so.
  if (ours.mtimeMs - theirs.mtimeMs > NEWBORN_MS) await rmdir(path)
}

function temporaryDirectory(): string {
  const path = tmpdir()
  return Buffer.byteLength(join(path, LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH ? '/tmp' : path
}
