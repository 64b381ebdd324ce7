import { expect, test } from 'vitest'
import { parsePostgresError } from '../src/postgres-error-response.ts'

test.each([
  ['SFATAL\0VFATAL\0C28000\0Mno entry\0Fauth.c\0\0', 'FATAL: no entry (SQLSTATE 28000)'],
  ['Mno entry\0\0', 'ERROR: no entry (SQLSTATE unknown)'],
  ['SFATAL\0\0', undefined],
  ['', undefined],
])('reads %j as %j', (body, message) => {
  expect(parsePostgresError(Buffer.from(body))).toBe(message)
})
