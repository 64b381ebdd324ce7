import { createServer } from 'node:net'
import { explainListenError } from './listen-error.ts'

/** Where a server-side proxy is to listen. */
interface Place {
  port: number
  address: string
}

/** Throws where a port or an address can't be had, so that this is known before PostgreSQL is set up. Takes nothing. */
export async function checkPorts(places: readonly Place[]): Promise<void> {
  for (const { port, address } of places) if (port !== 0) await tryToListen(port, address)
}

function tryToListen(port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(explainListenError(error, { port, address, option: 'port' }))
    const server = createServer()
      .once('error', fail)
      .listen(port, address, () => server.close(() => resolve()))
  })
}
