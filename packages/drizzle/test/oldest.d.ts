// The oldest drivers that this package works with.
declare module 'pg-8.9' {
  import pg from 'pg'
  export default pg
}
declare module 'postgres-3.4.0' {
  import postgres from 'postgres'
  export default postgres
}
