/** The oldest version of pg that this package works with. */
declare module 'pg-8.9' {
  import pg from 'pg'
  export default pg
}
