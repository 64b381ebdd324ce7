import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { describeHttpFailure } from '../src/http-failure.ts'

/** An error as HTTP clients throw them: with the request, and all its secrets. */
const failure = Object.assign(
  new Error(
    'request to https://oauth2.googleapis.com/tokeninfo?access_token=ya29.secret failed, reason: reset',
  ),
  {
    code: 'ECONNRESET',
    config: { headers: { authorization: 'Bearer ya29.secret' } },
    response: {
      status: 503,
      headers: new Headers({ 'retry-after': '2' }),
      data: { error: { message: 'busy' } },
      config: { data: 'assertion=eyJsecret' },
    },
  },
)

describe('describeHttpFailure', () => {
  test('tells status, body, time and cause, and nothing that was sent', () => {
    const before = Date.now()
    const described = describeHttpFailure(failure)
    expect(described).toMatchObject({ status: 503, body: { error: { message: 'busy' } } })
    expect(described.retryAt).toBeGreaterThanOrEqual(before + 2_000)
    expect(described.cause).toMatchObject({
      name: 'Error',
      code: 'ECONNRESET',
      message: 'request to https://oauth2.googleapis.com/tokeninfo?… failed, reason: reset',
    })
    expect(inspect(described, { depth: Infinity, showHidden: true })).not.toContain('secret')
  })

  test('says what the innermost cause says, which is all that `fetch` tells', () => {
    const socket = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
    const thrown = new Error('fetch failed', { cause: new TypeError('fetch failed', { cause: socket }) })
    expect(describeHttpFailure(thrown).cause).toMatchObject({
      message: 'fetch failed: other side closed',
      code: 'UND_ERR_SOCKET',
    })
    const circle = new Error('one')
    circle.cause = new Error('two', { cause: circle })
    expect(describeHttpFailure(circle).cause.message).toBe('one')
  })

  test.each([
    ['Wed, 21 Oct 2026 07:28:00 GMT', Date.parse('2026-10-21T07:28:00Z')],
    ['soon', undefined],
  ])('reads Retry-After: %s', (value, at) => {
    const response = { headers: new Headers({ 'retry-after': value }) }
    expect(describeHttpFailure({ response }).retryAt).toBe(at)
  })

  test("reads the headers of a library's own class, and waits for no longer than an hour", () => {
    const headers = { get: (name: string) => (name === 'retry-after' ? '86400' : null) }
    const { retryAt = 0 } = describeHttpFailure({ response: { headers } })
    expect(Math.round((retryAt - Date.now()) / 60_000)).toBe(60)
  })

  test.each([
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [{ cause: { code: 'ENOTFOUND' } }, '[object Object]'],
  ])('takes anything that was thrown: %o', (thrown, message) => {
    expect(describeHttpFailure(thrown)).toMatchObject({ status: undefined, cause: { message } })
  })
})
