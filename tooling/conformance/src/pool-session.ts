import type pg from 'pg'
import type { Query, Session } from './subject.ts'

/** A session of a pool of node-postgres, whatever made it. */
export function poolSession(pool: pg.Pool): Session {
  const clients = new Set<unknown>()
  pool.on('connect', (client) => {
    clients.add(client)
    client.on('error', () => {}) // beside failing its query, pg emits the error of a client that is in use
  })
  pool.on('remove', (client) => void clients.delete(client))
  return {
    query: queryOf(pool),
    async transaction(work) {
      const client = await pool.connect()
      const query = queryOf(client)
      try {
        await query('begin')
        const result = await work(query)
        await query('commit')
        return result
      } catch (error) {
        await query('rollback').catch(() => {}) // the connection may be lost
        throw error
      } finally {
        client.release()
      }
    },
    end: () => pool.end(),
    sockets: () => [...clients].map((client) => (client as pg.Client).connection.stream),
  }
}

function queryOf(queryable: pg.Pool | pg.ClientBase): Query {
  return async (text, values = []) => (await queryable.query<object>(text, [...values])).rows
}
