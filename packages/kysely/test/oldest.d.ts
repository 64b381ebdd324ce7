// The oldest versions that this package works with. Kysely's own types of then are for alloydb-dialect.test-d.ts.
declare module 'kysely-0.28' {
  export * from 'kysely'
}
declare module 'pg-8.9' {
  import pg from 'pg'
  export default pg
}
