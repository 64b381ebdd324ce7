/**
 * All that an emulator needs to know of a PostgreSQL. It is plain data, so that one process can start the server
 * and others, such as the workers of a test runner, can use it.
 */
export interface PostgresAddress {
  /** The path of its Unix socket. */
  readonly socketPath: string
  /** The password of the superuser `alloydbadmin`, whom the server-side proxy never lets in. */
  readonly adminPassword: string
}
