import { readFile } from 'node:fs/promises'

/** An SQL file that has been read. */
export interface InitFile {
  path: string
  sql: string
}

/** Reads the SQL files, so that one that can't be read is known before anything is started. */
export function readInitFiles(paths: readonly string[]): Promise<InitFile[]> {
  return Promise.all(paths.map(async (path) => ({ path, sql: await readSql(path) })))
}

async function readSql(path: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw explainReadError(path, cause)
  }
  const sql = decode(bytes)
  if (sql === undefined || sql.includes('\0')) {
    throw new Error(`"${path}" is not a text in UTF-8.\nSave it in UTF-8; a byte order mark may be there.`)
  }
  // pg_dump writes these two for psql alone, also with --inserts. Their lines stay, since errors tell lines.
  return sql.replace(/^\\(un)?restrict .*$/gm, '')
}

/** Without a byte order mark, which PostgreSQL takes for a part of the first word. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function explainReadError(path: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const reason =
    code === 'ENOENT'
      ? 'is not there'
      : code === 'EISDIR'
        ? 'is a directory'
        : `can't be read (${cause instanceof Error ? cause.message : String(cause)})`
  return new Error(
    `The SQL file "${path}" ${reason}.\nGive a file; a relative path begins at "${process.cwd()}".`,
    { cause },
  )
}
