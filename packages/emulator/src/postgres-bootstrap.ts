import { PostgresAdmin, quoteIdentifier, quoteLiteral } from './postgres-admin.ts'
import type { PostgresTarget } from './postgres-target.ts'
import { PostgresError } from './postgres-wire.ts'

// Emulators that share a PostgreSQL may do this at the same time.
export const LOCK = "select pg_advisory_xact_lock(hashtext('alloydb-emulator'))"

const OWN_SERVER = `
create role alloydbsuperuser nologin createdb createrole;
create role alloydbiamuser nologin;
create role postgres login createdb createrole replication bypassrls in role alloydbsuperuser
  password ${quoteLiteral('postgres')};
alter database postgres owner to postgres;
grant all on schema public to postgres with grant option;
`

const OTHER_SERVER = ['alloydbsuperuser', 'alloydbiamuser']
  .map((role) => `do 'begin create role ${role} nologin; exception when duplicate_object then null; end'`)
  .join(';\n')

/** Makes the roles that AlloyDB has, on a server of the emulator's own that is new. */
export function setUpOwnServer(target: PostgresTarget): Promise<void> {
  return run(target, OWN_SERVER)
}

/** Makes the two roles that the emulator needs on somebody's server, and changes nothing else. */
export async function setUpOtherServer(target: PostgresTarget): Promise<void> {
  try {
    await run(target, `${LOCK};\n${OTHER_SERVER}`)
  } catch (cause) {
    throw explainOtherServer(target, cause)
  }
}

const DUPLICATE_DATABASE = '42P04'
const UNIQUE_VIOLATION = '23505'

/** Makes a database that belongs to "postgres", unless it is there. */
export async function makeDatabase(target: PostgresTarget, name: string): Promise<void> {
  const admin = new PostgresAdmin(target)
  try {
    const found = await admin.query(`select from pg_database where datname = ${quoteLiteral(name)}`)
    if (found.length === 0) await admin.query(`create database ${quoteIdentifier(name)} owner postgres`)
  } catch (error) {
    // Emulators that share a PostgreSQL may do this at the same time.
    const isThere =
      error instanceof PostgresError && [DUPLICATE_DATABASE, UNIQUE_VIOLATION].includes(error.code)
    if (!isThere) throw error
  } finally {
    admin.close()
  }
}

/** Says what an error of somebody's server means, and what to do. */
export function explainOtherServer({ admin }: PostgresTarget, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new Error(
    `The emulator could not use your PostgreSQL as "${admin.user}": ${reason}\n` +
      'Check the URL; the user must be a superuser, or have CREATEROLE and the admin option on roles that are there already.',
    { cause },
  )
}

async function run(target: PostgresTarget, sql: string): Promise<void> {
  const admin = new PostgresAdmin(target)
  try {
    await admin.query(sql)
  } finally {
    admin.close()
  }
}
