import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer, connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'alloydb-emulator-'
const OWNER_SOCKET = 'owner.sock'
// A directory younger than this may belong to a process that has not yet put its socket there.
const NEWBORN_MS = 60_000
// sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included.
const LONGEST_SOCKET_NAME = `${PREFIX}XXXXXX/.s.PGSQL.5432`
const MAX_SOCKET_PATH = 103

/** A private directory of this process, below the system's temporary directory. */
export interface RuntimeDirectory {
  path: string
  remove(): Promise<void>
}

/**
 * Makes the directory, which others can tell from one left behind by a dead process: it holds a socket that its
 * owner listens on, and the system closes that however the owner dies. A process id in a file would not do: ids
 * are used again, and mean nothing in another container that shares the temporary directory.
 */
export async function createRuntimeDirectory(): Promise<RuntimeDirectory> {
  const base = temporaryDirectory()
  const path = await mkdtemp(join(base, PREFIX))
  let owner: Server
  try {
    owner = await listen(join(path, OWNER_SOCKET))
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
      if (path === own.path || !(await isStale(path, own.path))) return
      await rm(path, { recursive: true, force: true }).catch(() => {})
    }),
  )
}

async function isStale(path: string, own: string): Promise<boolean> {
  switch (await connectionError(join(path, OWNER_SOCKET))) {
    case 'ECONNREFUSED':
      return true
    case 'ENOENT': {
      // Two files' times are compared, rather than with Date.now(), which a test may have faked.
      const [theirs, ours] = await Promise.all([stat(path).catch(() => undefined), stat(own)])
      return theirs !== undefined && ours.mtimeMs - theirs.mtimeMs > NEWBORN_MS
    }
    default:
      return false
  }
}

function connectionError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
      .on('connect', () => {
        socket.destroy()
        resolve(undefined)
      })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
      .on('error', reject)
      .listen(path, () => resolve(server.unref()))
  })
}

function temporaryDirectory(): string {
  const path = tmpdir()
  return Buffer.byteLength(join(path, LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH ? '/tmp' : path
}
