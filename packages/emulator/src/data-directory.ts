import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { claim, findOwner } from './owner-socket.ts'

const OWNER_SOCKET = /^owner-\w+\.sock$/
const CLUSTER = 'cluster.json'

/** What is kept for all clusters. */
type KeptName = 'credentials' | 'http-authority'

/** What is kept of a cluster besides PostgreSQL's data. */
export interface KeptCluster {
  /** The private keys and certificates of the authorities. */
  authority: unknown
  /** The password of PostgreSQL's superuser; not there where the server is somebody else's. */
  adminPassword?: string | undefined
}

/** A directory that keeps an emulator's data, keys and authorities between runs, for one emulator at a time. */
export class DataDirectory {
  readonly path: string
  readonly #release: () => Promise<void>

  private constructor(path: string, release: () => Promise<void>) {
    this.path = path
    this.#release = release
  }

  /** Opens the directory, and makes it where it is not there. */
  static async open(given: string): Promise<DataDirectory> {
    try {
      await mkdir(given, { recursive: true })
      const path = await realpath(given)
      return new DataDirectory(path, await lock(path))
    } catch (error) {
      throw explainDirectoryError(given, error)
    }
  }

  /** Lets others have it. */
  close(): Promise<void> {
    return this.#release()
  }

  /** What has been written under this name; nothing where nothing has. */
  read(name: KeptName): Promise<unknown> {
    return readJson(join(this.path, `${name}.json`))
  }

  write(name: KeptName, value: unknown): Promise<void> {
    return writeJson(join(this.path, `${name}.json`), value)
  }

  /** What is kept of a cluster; nothing where its set-up has not been finished before. */
  async readCluster(name: string): Promise<KeptCluster | undefined> {
    const kept = await readJson(join(this.#clusterPath(name), CLUSTER))
    if (kept === undefined) return undefined
    if (typeof kept !== 'object' || kept === null || !('authority' in kept)) {
      throw new Error(
        `"${join(this.#clusterPath(name), CLUSTER)}" is not what the emulator has written there.`,
      )
    }
    const adminPassword = 'adminPassword' in kept ? String(kept.adminPassword) : undefined
    return { authority: kept.authority, adminPassword }
  }

  /** Says that the cluster's set-up is finished, and keeps what belongs to it. */
  async writeCluster(name: string, kept: KeptCluster): Promise<void> {
    await mkdir(this.#clusterPath(name), { recursive: true })
    await writeJson(join(this.#clusterPath(name), CLUSTER), kept)
  }

  /** Where PostgreSQL's data is; for a new cluster, free of what an interrupted set-up has left. */
  async postgresPath(name: string, { isNew }: { isNew: boolean }): Promise<string> {
    const path = join(this.#clusterPath(name), 'postgres')
    if (isNew) await rm(path, { recursive: true, force: true })
    await mkdir(this.#clusterPath(name), { recursive: true })
    return path
  }

  #clusterPath(name: string): string {
    const [project, location, cluster] = name.split('/').filter((_, index) => index % 2 === 1)
    return join(this.path, 'clusters', `${project}.${location}.${cluster}`)
  }
}

/**
 * Makes this process the directory's owner, and returns what gives that up. It says that it is there before it looks for
 * others, so that of two that come at once each sees the other, and never both go on.
 */
async function lock(path: string): Promise<() => Promise<void>> {
  // The path of a socket must be short, which one by way of the open directory always is; macOS has no such way.
  const directory = await open(path)
  const base = process.platform === 'linux' ? `/proc/self/fd/${directory.fd}` : path
  const own = `owner-${randomBytes(4).toString('hex')}.sock`
  try {
    const owner = await claim(join(base, own)).catch((error: unknown) => {
      throw explainSocketError(path, error)
    })
    const release = async (): Promise<void> => {
      // Closing it removes it.
      await new Promise((resolve) => owner.close(resolve))
    }
    for (const name of await readdir(base)) {
      if (name === own || !OWNER_SOCKET.test(name)) continue
      const found = await findOwner(join(base, name))
      if (found === 'dead') await rm(join(base, name), { force: true })
      if (found !== 'alive') continue
      await release()
      throw new Error(
        `Another emulator is using the data directory "${path}".\n` +
          'Stop it, or give each emulator a directory of its own.',
      )
    }
    return async () => {
      await release()
      await directory.close()
    }
  } catch (error) {
    await directory.close()
    throw error
  }
}

/** Says what the system's reasons mean. Errors of our own are returned as they are. */
function explainDirectoryError(path: string, cause: unknown): unknown {
  switch (cause instanceof Error && 'code' in cause && cause.code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return new Error(
        `The data directory "${path}" can't be made: a file is in its place, or in that of a directory above it.\n` +
          'Give a directory (on the command line: --data-dir).',
        { cause },
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new Error(
        `This user may not write to the data directory "${path}".\n` +
          'Give one that it may write to (on the command line: --data-dir), or change its owner.',
        { cause },
      )
    default:
      return cause
  }
}

/** Shared folders of virtual machines, network drives and the like often have no sockets. */
export function explainSocketError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' || code === 'EROFS') return cause
  return new Error(
    `The data directory "${path}" is on a file system without Unix sockets (${String(code)}), and PostgreSQL's data is not safe there.\n` +
      'Give one on a file system of this machine (on the command line: --data-dir); in a container, a named volume.',
    { cause },
  )
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes all or nothing, for the owner's eyes alone. */
async function writeJson(path: string, value: unknown): Promise<void> {
  const next = `${path}.next`
  await writeFile(next, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 })
  await rename(next, path)
}
