import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { serve } from '../program.ts'

/** Passes connections on, late, and counts how often a client has to wait for the server. */
export type CountingRelayCommands = {
  /** Listens for one client and gives the port. */
  open: (options: { port: number; delayMs: number }) => Promise<number>
  /** How many round trips there have been. */
  count: () => number
}

let roundTrips = 0

serve({
  async open({ port, delayMs }) {
    const server = createServer({ noDelay: true }, (client) => {
      roundTrips += 1 // TCP's own
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
      let isClientsTurn = true
      // All that the client says before it hears more from the server is one way of one round trip. The delay keeps
      // apart what it says in answer, and together what it says at once.
      client.on('data', () => {
        if (isClientsTurn) roundTrips += 1
        isClientsTurn = false
      })
      const toClient = delay(delayMs)
      toClient.on('data', () => {
        isClientsTurn = true
      })
      client.pipe(delay(delayMs)).pipe(upstream)
      upstream.pipe(toClient).pipe(client)
      for (const socket of [client, upstream]) {
        socket.on('error', () => {}).once('close', () => (client.destroy(), upstream.destroy()))
      }
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  },
  count: () => roundTrips,
} satisfies CountingRelayCommands)

function delay(delayMs: number): Transform {
  return new Transform({
    transform: (chunk: Buffer, _, callback) => void setTimeout(() => callback(null, chunk), delayMs),
  })
}
