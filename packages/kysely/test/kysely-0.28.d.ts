/** The oldest version of Kysely that this package works with; its own types are for alloydb-dialect.test-d.ts. */
declare module 'kysely-0.28' {
  export * from 'kysely'
}
