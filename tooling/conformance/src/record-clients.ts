import type pg from 'pg'
import type { Session } from './subject.ts'

/** A class of pg's clients that keeps those that it makes, for a library that keeps its pool to itself. */
export interface RecordedClients extends Required<Pick<Session, 'sockets'>> {
  readonly Client: typeof pg.Client
}

export function recordClients(Client: typeof pg.Client): RecordedClients {
  const clients = new Set<pg.Client>()
  return {
    Client: class extends Client {
      constructor(config?: pg.ClientConfig) {
        super(config)
        clients.add(this)
        this.once('end', () => clients.delete(this))
      }
    },
    sockets: () => [...clients].map(({ connection }) => connection.stream),
  }
}
