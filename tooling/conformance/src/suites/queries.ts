import { expect, test } from 'vitest'
import type { Suite } from '../suite.ts'

const time = new Date('2026-11-22T12:00:00.123Z')

/** What most libraries, left to themselves, read values of PostgreSQL's types as. */
const types: Record<string, [sql: string, value: unknown]> = {
  int4: [`'-42'::int4`, -42],
  int8: [`9007199254740993::int8`, '9007199254740993'],
  float8: [`'0.5'::float8`, 0.5],
  numeric: [`12.340::numeric`, '12.340'],
  bool: ['true', true],
  text: [`E'tea ☕\\n'::text`, 'tea ☕\n'],
  bytea: [`'\\x00ff'::bytea`, Buffer.from([0, 255])],
  timestamptz: [`'${time.toISOString()}'::timestamptz`, time],
  jsonb: [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
  uuid: [`'b5c14b4c-4bdc-4b4c-9bdc-4b4c4bdc4b4c'::uuid`, 'b5c14b4c-4bdc-4b4c-9bdc-4b4c4bdc4b4c'],
  texts: [`array['a', 'b,"c"', null]`, ['a', 'b,"c"', null]],
  nothing: ['null::int4', null],
}

export function testQueries({ subject, failureOf, ...suite }: Suite): void {
  test('answers a simple query', async () => {
    const { query } = await suite.open()
    expect(await query('select 1 as one, $$two$$ as two')).toEqual([{ one: 1, two: 'two' }])
    expect(await query('select 1 as one where false')).toEqual([])
  })

  test('answers a query with parameters, which are no SQL', async () => {
    const { query } = await suite.open()
    const text = `'; select 'kæffe ☕`
    const rows = await query('select $1::text as text, $2::int4 + 1 as next, $3::text as nothing', [
      text,
      41,
      null,
    ])
    expect(rows).toEqual([{ text, next: 42, nothing: null }])
  })

  test('reads values of many types', async () => {
    const { query } = await suite.open()
    const columns = Object.entries(types).map(([name, [sql]]) => `${sql} as "${name}"`)
    const expected = Object.fromEntries(Object.entries(types).map(([name, [, value]]) => [name, value]))
    expect(await query(`select ${columns.join(', ')}`)).toEqual([{ ...expected, ...subject.types }])
  })

  test('carries a large row', async () => {
    const { query } = await suite.open()
    const [row] = await query(`select repeat('x', 5000000) as text`)
    expect((row as { text: string }).text).toHaveLength(5_000_000)
  })

  test('runs 20 queries over 5 connections, each of which is dialed once', async () => {
    const dialer = suite.recordDials()
    const { query } = await suite.open({ dialer, max: 5 })
    const rows = await Promise.all(
      Array.from({ length: 20 }, (_, i) => query('select $1::int4 as i from pg_sleep(0.01)', [i])),
    )
    expect(rows.flat()).toEqual(Array.from({ length: 20 }, (_, i) => ({ i })))
    expect(dialer.options).toHaveLength(5)
  })

  test("throws PostgreSQL's error, and goes on", async () => {
    const { query } = await suite.open()
    const error = await failureOf(query('select 1 as one from nowhere_to_be_found'))
    expect(error).toMatchObject({ code: '42P01' })
    expect((error as Error).message).toContain('relation "nowhere_to_be_found" does not exist')
    expect(await query('select 1 as one')).toEqual([{ one: 1 }])
  })

  suite.testIfAble('PostgreSQL errors as they are', 'throws it with all that it says', async () => {
    const { query } = await suite.open()
    expect(await failureOf(query('select 1 from nowhere_to_be_found'))).toMatchObject({
      message: 'relation "nowhere_to_be_found" does not exist',
      code: '42P01',
      severity: 'ERROR',
      position: '15',
      routine: 'parserOpenTable',
    })
  })

  suite.testIfAble('sockets', 'has the raw TLS socket to itself', async () => {
    const dialer = suite.recordDials()
    const session = await suite.open({ dialer, max: 1 })
    await session.query('select 1 as one')
    expect(dialer.sockets).toHaveLength(1)
    expect(session.sockets?.()).toEqual(dialer.sockets)
    expect(session.sockets?.()[0]).toBe(dialer.sockets[0])
  })
}
