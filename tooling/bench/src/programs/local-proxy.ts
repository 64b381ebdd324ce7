import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Connector } from '@alloydb/core'
import { serve } from '../program.ts'

/** A sidecar: plain TCP on one side, the connector on the other. */
export type LocalProxyCommands = {
  /** Listens on a free port of 127.0.0.1, and gives it. */
  open: (target: { host: string; instance: string }) => Promise<number>
}

serve({
  async open({ host, instance }) {
    process.env['ALLOYDB_EMULATOR_HOST'] = host
    const connector = new Connector()
    const server = createServer({ noDelay: true }, (client) => {
      client.on('error', () => {})
      connector.connect(instance).then(
        (socket) => {
          socket.on('error', () => {}).once('close', () => client.destroy())
          client.once('close', () => socket.destroy())
          client.pipe(socket).pipe(client)
        },
        (error: unknown) => client.destroy(error as Error),
      )
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  },
} satisfies LocalProxyCommands)
