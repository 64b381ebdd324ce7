/**
 * Reads the message of a PostgreSQL ErrorResponse: fields of one type byte and a text, each ended by a zero byte.
 *
 * @param body the message without its type and length
 * @returns severity, message and SQLSTATE in one line; `undefined` where it is no such message
 * @see https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export function parsePostgresError(body: Buffer): string | undefined {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .filter((field) => field !== '')
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  )
  const message = fields.get('M')
  if (message === undefined) return undefined
  return `${fields.get('S') ?? 'ERROR'}: ${message} (SQLSTATE ${fields.get('C') ?? 'unknown'})`
}
