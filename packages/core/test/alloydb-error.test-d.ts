// Type-checked; never run.
import { AlloyDBError } from '../src/index.ts'

export function readCode(error: unknown): string {
  if (AlloyDBError.is(error, 'ALLOYDB_TCP_FAILED')) {
    const code: 'ALLOYDB_TCP_FAILED' = error.code
    return code
  }
  if (AlloyDBError.is(error)) {
    if (AlloyDBError.is(error, 'ALLOYDB_TCP_TIMEOUT')) return error.hint ?? ''
    return error.code // one of another code is still an AlloyDBError
  }
  return ''
}
