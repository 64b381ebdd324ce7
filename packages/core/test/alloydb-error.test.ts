import { describe, expect, test, vi } from 'vitest'
import { AlloyDBError, copyError } from '../src/alloydb-error.ts'
import { errorCodes } from '../src/error-codes.ts'
import { documentedCodes } from './harness.ts'

describe('AlloyDBError', () => {
  const error = new AlloyDBError('ALLOYDB_TCP_FAILED', 'TCP failed.', {
    hint: 'Try again.',
    instance: 'projects/p/locations/r/clusters/c/instances/i',
    cause: new Error('refused'),
  })

  test('says what failed in its first line and what to do in its second', () => {
    expect(error.message).toBe('TCP failed.\nTry again.')
    expect(error.name).toBe('AlloyDBError')
    expect(error.retryable).toBe(true)
    expect(Object.keys(error)).not.toContain('name')
  })

  test('is recognised, with its code and without', () => {
    expect(AlloyDBError.is(error)).toBe(true)
    expect(AlloyDBError.is(error, 'ALLOYDB_TCP_FAILED')).toBe(true)
    expect(AlloyDBError.is(error, 'ALLOYDB_TCP_TIMEOUT')).toBe(false)
    expect(AlloyDBError.is(new Error('TCP failed.'))).toBe(false)
    expect(AlloyDBError.is({ code: 'ALLOYDB_TCP_FAILED' })).toBe(false)
    expect(AlloyDBError.is(undefined)).toBe(false)
  })

  test('is recognised by a second copy of the package', async () => {
    vi.resetModules()
    const copy = await import('../src/alloydb-error.ts')
    expect(copy.AlloyDBError).not.toBe(AlloyDBError)
    expect(copy.AlloyDBError.is(error, 'ALLOYDB_TCP_FAILED')).toBe(true)
  })

  test('is copied with all that it says', () => {
    const copy = copyError(error)
    expect(copy).not.toBe(error)
    expect({ ...copy }).toEqual({ ...error })
    expect(copy.message).toBe(error.message)
    expect(copy.cause).toBe(error.cause)
  })
})

test('every code has a section in docs/errors.md, and every section a code', () => {
  expect(documentedCodes().toSorted()).toEqual(Object.keys(errorCodes).toSorted())
})

test('a copy of an error of a newer copy of the package says what that says', () => {
  const newer = new AlloyDBError('ALLOYDB_ABORTED', 'something new')
  Object.assign(newer, { code: 'ALLOYDB_SOMETHING_NEW', retryable: true })
  expect(copyError(newer)).toMatchObject({
    code: 'ALLOYDB_SOMETHING_NEW',
    summary: 'something new',
    retryable: true,
  })
})
