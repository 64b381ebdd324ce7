import { readFile } from 'node:fs/promises'
import { PostgresAdmin } from './postgres-admin.ts'
import { DEFAULT_LOGIN, type PostgresTarget } from './postgres-target.ts'
import { PostgresError } from './postgres-wire.ts'

/** Runs the statements of an SQL file as the user "postgres", all or none. */
export async function runInitFile(target: PostgresTarget, path: string): Promise<void> {
  const sql = await readFile(path, 'utf8')
  const session = new PostgresAdmin(target, DEFAULT_LOGIN)
  try {
    await session.query(sql)
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error
    const { message, code, detail, position } = error
    const line = position === undefined ? '' : `:${lineOf(sql, position)}`
    throw new Error(`${path}${line}: ${message} (${code})${detail === undefined ? '' : `\n${detail}`}`, {
      cause: error,
    })
  } finally {
    session.close()
  }
}

/** `position` counts characters, and not JavaScript's code units. */
function lineOf(sql: string, position: number): number {
  return Array.from(sql)
    .slice(0, position - 1)
    .join('')
    .split('\n').length
}
