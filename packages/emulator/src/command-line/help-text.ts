import { describeOptions } from './command-line-options.ts'

/** What `--help` prints. */
export function helpText(): string {
  return `A local AlloyDB: Admin API, IAM, server-side proxy, and a real PostgreSQL.

Usage
  alloydb-emulator [options] exec -- <program> [arguments]
      Runs a program beside an emulator on free ports, and ends with its exit code. The program finds
      ALLOYDB_EMULATOR_HOST, ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE (the first read pool, if there
      is one), PGUSER, PGPASSWORD and PGDATABASE in its environment.

Options
${describeOptions()}
`
}
