import pg from 'pg'
import {
  ForeignKeyIntegrityConstraintViolationError,
  NotNullIntegrityConstraintViolationError,
  StatementTimeoutError,
  UniqueIntegrityConstraintViolationError,
} from 'slonik'

/** The errors of PostgreSQL that have a class of their own in Slonik; add those that the application tells apart. */
const errorClasses: Readonly<Record<string, new (cause: Error) => Error>> = {
  '23502': NotNullIntegrityConstraintViolationError,
  '23503': ForeignKeyIntegrityConstraintViolationError,
  '23505': UniqueIntegrityConstraintViolationError,
  '57014': StatementTimeoutError,
}

export function toSlonikError(error: unknown): Error {
  const errorClass = error instanceof pg.DatabaseError ? errorClasses[error.code ?? ''] : undefined
  return errorClass === undefined ? (error as Error) : new errorClass(error as Error)
}
