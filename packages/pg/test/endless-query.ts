/** Says that it has started, and then runs until something ends it. */
export const endlessQuery = `do $$ begin raise notice 'started'; perform pg_sleep(60); end $$`
