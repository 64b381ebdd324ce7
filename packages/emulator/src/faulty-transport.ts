import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Bytes, TcpFault, TlsAlert, TlsFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import { ShapedTransport } from './shaped-transport.ts'
import { cut, endWith, stall } from './sockets.ts'

/** What something that speaks no TLS might say. */
const GARBAGE = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'
/** In the middle of the server's first message. */
const STALL_AFTER_BYTES = 60
const ALERT_NUMBERS: Readonly<Record<TlsAlert, number>> = {
  handshake_failure: 40,
  access_denied: 49,
  protocol_version: 70,
  internal_error: 80,
  unrecognized_name: 112,
}

/** Brings about a fault that comes before TLS. Tells whether there is one. */
export function isOverByTcp(fault: TcpFault, socket: Socket): boolean {
  const { close, garbage } = fault
  if (fault.stall) stall(socket)
  else if (close) cut(close, socket, undefined)
  else if (garbage) endWith(socket, garbageOf(garbage))
  else return false
  return true
}

/** Answers the client's first words, where a fault wants no TLS. Tells whether it will. */
export function answersHello(fault: TlsFault, socket: Socket): boolean {
  const { close, fail, garbage } = fault
  if (fault.stall || close || !(fail || garbage)) return false
  const answer = fail ? encodeAlert(fail.alert) : garbageOf(garbage ?? true)
  socket.once('data', () => endWith(socket, answer))
  return true
}

/** What TLS is spoken on: the connection, or one that sends as a fault wants it. */
export function transportFor({ stall: stalls, chunkBytes }: TlsFault, socket: Socket): Socket {
  if (!stalls && !chunkBytes) return socket
  // What TLS asks of a stream every Duplex has.
  return new ShapedTransport(socket, {
    chunkBytes,
    stallAfterBytes: stalls ? STALL_AFTER_BYTES : undefined,
  }) as Duplex as Socket
}

/** A fatal alert, in a record of its own. */
function encodeAlert(alert: TlsAlert): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, ALERT_NUMBERS[alert]])
}

function garbageOf(garbage: boolean | Bytes): Buffer {
  return bytesOf(typeof garbage === 'boolean' ? GARBAGE : garbage)
}
