import { failureOf } from '@alloydb-tooling/conformance'
import { once } from 'node:events'
import type pg from 'pg'

/** Starts a query that runs until something else ends it, and waits until PostgreSQL is at it. */
export async function startEndlessQuery(client: pg.ClientBase): Promise<{ failure: Promise<Error> }> {
  const failure = failureOf(client.query(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`))
  await once(client, 'notice')
  return { failure }
}
