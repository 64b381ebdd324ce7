import { once } from 'node:events'
import { createServer } from 'node:net'

// Below those that the system gives to whoever does not ask for one, of which a port that is free now may be the next. Each
// process, and so each worker of Vitest, begins elsewhere.
let next = 10_000 + ((process.pid * 20) % 20_000)

/** Finds a port that is free on all addresses of this machine, with so many free ones after it. */
export async function findFreePort(following = 0): Promise<number> {
  for (;;) {
    const ports = Array.from({ length: following + 1 }, () => next++)
    const areFree = await Promise.all(ports.map(isFree))
    if (areFree.every(Boolean)) return ports[0] as number
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
