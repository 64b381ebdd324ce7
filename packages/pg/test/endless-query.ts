import type pg from 'pg'

/** Says that it has started, and then runs until something ends it. */
export const endlessQuery = `do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`

/** What pg has, and its types lack. */
export interface Canceller extends pg.Client {
  cancel(client: pg.Client, query: pg.Query): void
}
