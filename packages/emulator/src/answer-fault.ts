import type { AnswerFault } from './fault.ts'
import { bytesOf } from './fault-parser.ts'
import { writeAllButLast } from './pieces.ts'
import type { ClientConnection } from './server-side-proxy.ts'
import { endWith, stall } from './sockets.ts'

/** Neither an answer of the exchange nor one of PostgreSQL. */
const GARBAGE = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'

/**
 * Brings about a fault that replaces the whole answer of the server-side proxy. Tells whether it did. `failure`: the error
 * that the fault asks for.
 */
export async function isOverBy(
  fault: (AnswerFault & { chunkBytes?: number | undefined }) | undefined,
  failure: Buffer | undefined,
  client: ClientConnection,
): Promise<boolean> {
  if (fault?.stall) {
    stall(client.socket)
    return true
  }
  if (fault?.close) {
    client.cut(fault.close)
    return true
  }
  const garbage = fault?.garbage === true ? GARBAGE : fault?.garbage
  const answer = failure ?? (garbage ? bytesOf(garbage) : undefined)
  if (!answer) return false
  endWith(client.socket, await writeAllButLast(client.socket, answer, fault?.chunkBytes))
  return true
}
