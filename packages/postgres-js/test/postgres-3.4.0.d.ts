/** The oldest version of postgres.js that this package works with. */
declare module 'postgres-3.4.0' {
  import postgres from 'postgres'
  export default postgres
}
