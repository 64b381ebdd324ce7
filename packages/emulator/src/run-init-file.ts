import type { InitFile } from './init-file.ts'
import { PostgresAdmin } from './postgres-admin.ts'
import { DEFAULT_LOGIN, type PostgresTarget } from './postgres-target.ts'
import { PostgresError } from './postgres-wire.ts'

const SYNTAX_ERROR = '42601'
const QUERY_CANCELED = '57014'
const ACTIVE_SQL_TRANSACTION = '25001'

const COPY_FROM_STDIN = /^\s*copy\s[^;]*\sfrom\s+stdin\b/im

/** Runs the statements of an SQL file as the user "postgres", all or none. */
export async function runInitFile(
  target: PostgresTarget,
  database: string,
  { path, sql }: InitFile,
): Promise<void> {
  const session = new PostgresAdmin(target, { ...DEFAULT_LOGIN, database })
  try {
    await session.query(sql)
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error
    const { message, code, detail } = error
    const before = textBefore(sql, error)
    const line = before === undefined ? '' : `:${before.split('\n').length}`
    const more = [detail, explain(error, sql, before)].filter((text) => text !== undefined)
    throw new Error([`${path}${line}: ${message} (${code})`, ...more].join('\n'), { cause: error })
  } finally {
    session.close()
  }
}

/** The statements as far as the mistake, if it is known where that is. */
function textBefore(sql: string, { position, code }: PostgresError): string | undefined {
  if (position !== undefined) {
    // It counts characters, and not JavaScript's code units.
    return Array.from(sql)
      .slice(0, position - 1)
      .join('')
  }
  const copy = code === QUERY_CANCELED ? COPY_FROM_STDIN.exec(sql) : null
  return copy ? sql.slice(0, copy.index + copy[0].length) : undefined
}

/** What to do, where PostgreSQL's own words don't say it. */
function explain({ code }: PostgresError, sql: string, before: string | undefined): string | undefined {
  if (code === ACTIVE_SQL_TRANSACTION) {
    return (
      'A file runs in one transaction, all or nothing: give this statement a file of its own. For a database to work in, use ' +
      'the option database (on the command line: --database), which makes it.'
    )
  }
  if ([SYNTAX_ERROR, QUERY_CANCELED].includes(code) && COPY_FROM_STDIN.test(before ?? '')) {
    return 'Only psql can run COPY … FROM stdin with its data in the file: use INSERT, as "pg_dump --inserts" writes it.'
  }
  if (code === SYNTAX_ERROR && before !== undefined && sql.startsWith('\\', before.length)) {
    return "What begins with a backslash is a command of psql's, and not SQL: leave it out."
  }
  return undefined
}
