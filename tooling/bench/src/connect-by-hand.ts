import { connect, TLSSocket, type SecureContext } from 'node:tls'

/** The exchange's request, as the connector sends it: user agent, auth type 1, token. */
const request = encodeRequest('alloydb-node-connector/0.0.0', 'bench')
const responseLength = 6

const host = '127.0.0.1'

/** Connects as one would write it by hand: TLS with Node's own verification of the address, then the exchange. */
export function connectByHand(port: number, secureContext: SecureContext): Promise<TLSSocket> {
  return exchange(connect({ host, port, secureContext }))
}

/** The same as cheaply as the connector: Node.js need not describe the whole chain to check the address. */
export function connectLeanly(port: number, secureContext: SecureContext): Promise<TLSSocket> {
  const socket = connect({ host, port, secureContext })
  return exchange(
    Object.assign(socket, {
      getPeerCertificate: () => TLSSocket.prototype.getPeerCertificate.call(socket, false),
    }),
  )
}

function exchange(socket: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    socket.setNoDelay(true)
    const onReadable = (): void => {
      if (socket.read(responseLength) === null) return
      socket.off('readable', onReadable).off('error', reject)
      resolve(socket)
    }
    socket.on('error', reject).on('readable', onReadable)
    socket.once('secureConnect', () => socket.write(request))
  })
}

function encodeRequest(userAgent: string, token: string): Buffer {
  const field = (number: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)])
  const message = Buffer.concat([field(1, userAgent), Buffer.from([2 << 3, 1]), field(3, token)])
  const header = Buffer.alloc(4)
  header.writeUInt32BE(message.length)
  return Buffer.concat([header, message])
}
