import { connect, createServer, type Server } from 'node:net'

/**
 * Listens on a Unix socket that says who owns a directory: the system closes it however the owner dies. A process id in a
 * file would not do: ids are used again, and mean nothing in another container that shares the directory.
 */
export function claim(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
      .on('error', reject)
      .listen(path, () => resolve(server.unref()))
  })
}

/** Whether the owner lives, or has died, or there has never been one; `unknown` where this can't be told. */
export function findOwner(path: string): Promise<'alive' | 'dead' | 'none' | 'unknown'> {
  return new Promise((resolve) => {
    const socket = connect(path)
      .on('connect', () => {
        socket.destroy()
        resolve('alive')
      })
      .on('error', ({ code }: NodeJS.ErrnoException) => {
        resolve(code === 'ECONNREFUSED' ? 'dead' : code === 'ENOENT' ? 'none' : 'unknown')
      })
  })
}
