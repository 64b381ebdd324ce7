import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Suite } from '../suite.ts'

export function testTransactions({ observer, table, failureOf, ...suite }: Suite): void {
  describe('a transaction', () => {
    beforeAll(() => observer.query(`create table ${table} (id int4); grant all on ${table} to public`))
    beforeEach(() => observer.query(`truncate ${table}`))
    afterAll(() => observer.query(`drop table ${table}`))

    test('commits', async () => {
      const session = await suite.open()
      const result = await session.transaction(async (query) => {
        await query(`insert into ${table} values ($1)`, [1])
        return 'done'
      })
      expect(result).toBe('done')
      expect(await session.query(`select id from ${table}`)).toEqual([{ id: 1 }])
    })

    test('rolls back, and throws what its work throws', async () => {
      const session = await suite.open()
      const reason = new Error('changed my mind')
      const failure = failureOf(
        session.transaction(async (query) => {
          await query(`insert into ${table} values ($1)`, [1])
          throw reason
        }),
      )
      expect(await failure).toBe(reason)
      expect(await session.query(`select id from ${table}`)).toEqual([])
    })

    test('rolls back when a statement of it fails', async () => {
      const session = await suite.open()
      const failure = failureOf(
        session.transaction(async (query) => {
          await query(`insert into ${table} values ($1)`, [1])
          await query('select 1/0')
        }),
      )
      expect(await failure).toMatchObject({ code: '22012' })
      expect(await session.query(`select id from ${table}`)).toEqual([])
    })

    suite.testIfAble(
      'interactive transactions',
      'goes by what it reads, and nobody else sees it before it is committed',
      async () => {
        const session = await suite.open()
        await session.transaction(async (query) => {
          const [first] = await query(`insert into ${table} values (1) returning id + 1 as next`)
          await query(`insert into ${table} values ($1)`, [(first as { next: number }).next])
          expect(await query(`select id from ${table} order by id`)).toEqual([{ id: 1 }, { id: 2 }])
          expect(await session.query(`select id from ${table}`)).toEqual([])
        })
        expect(await session.query(`select id from ${table} order by id`)).toEqual([{ id: 1 }, { id: 2 }])
      },
    )
  })
}
