import { dirname, extname } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, inject, vi } from 'vitest'
import type {} from '../../testing/shared-postgres.ts'

/** A connection to PostgreSQL itself, around AlloyDB: it sees what goes on there. */
export interface Observer {
  query(sql: string): Promise<unknown>
  /** Waits until a query with this text runs. */
  waitForQuery(text: string): Promise<void>
}

/** Opens one for the tests of one suite. */
export function openObserver(): Observer {
  const { socketPath, adminPassword } = inject('postgres')
  const client = new pg.Client({
    host: dirname(socketPath),
    port: Number(extname(socketPath).slice(1)),
    user: 'alloydbadmin',
    password: adminPassword,
    database: 'postgres',
  })
  beforeAll(() => client.connect())
  afterAll(() => client.end())
  return {
    query: (sql) => client.query(sql),
    async waitForQuery(text) {
      const find = `select from pg_stat_activity
        where state = 'active' and wait_event = 'PgSleep' and position($1 in query) > 0`
      await vi.waitFor(async () => {
        if ((await client.query(find, [text])).rows.length === 0) throw new Error(`nothing runs ${text}`)
      }, often)
    },
  }
}

/** For what has to happen, and takes as long as the machine is busy. */
export const often: { interval: number; timeout: number } = { interval: 5, timeout: 5_000 }
