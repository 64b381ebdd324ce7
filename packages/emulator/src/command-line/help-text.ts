import { describeOptions } from './command-line-options.ts'

/** What `--help` prints. */
export function helpText(): string {
  return `A local AlloyDB: Admin API, IAM, server-side proxy, and a real PostgreSQL.

Usage
  alloydb-emulator [options]
      Runs an emulator until Ctrl-C, and logs each connection to stderr.
  alloydb-emulator [options] exec -- <program> [arguments]
      Runs a program beside an emulator on free ports, and ends with its exit code. The program finds in its
      environment: ALLOYDB_EMULATOR_HOST, ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE (the first read pool,
      if there is one), PGUSER, PGPASSWORD, PGDATABASE and, for connectors in other languages,
      GOOGLE_APPLICATION_CREDENTIALS.

Options
${describeOptions()}
`
}
