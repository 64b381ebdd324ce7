import { describe, expect, test, vi } from 'vitest'
import { often } from '../observer.ts'
import type { Suite } from '../suite.ts'

export function testConnections({ emulator, observer, table, failureOf, ...suite }: Suite): void {
  describe.each(['FIN', 'RST'] as const)('a server that ends connections by %s', (how) => {
    test('does no harm while they are idle: the process lives, and others take their place', async () => {
      const dialer = suite.recordDials()
      const { query } = await suite.open({ dialer, max: 1 })
      await query('select 1 as one')
      emulator.disconnectAll(how)
      await vi.waitFor(() => expect(dialer.sockets[0]?.closed).toBe(true), often)
      expect(await query('select 2 as two')).toEqual([{ two: 2 }])
      expect(dialer.sockets).toHaveLength(2)
    })

    test('fails the query that runs, and no other', async () => {
      const { query } = await suite.open({ max: 1 })
      const marker = `${table} ends by ${how}`
      const failure = failureOf(query(`select pg_sleep(60), '${marker}' as marker`))
      await observer.waitForQuery(marker)
      emulator.disconnectAll(how)
      expect(await failure).toBeInstanceOf(Error)
      expect(await query('select 2 as two')).toEqual([{ two: 2 }])
    })

    suite.testIfAble('lost transactions', 'fails the transaction that runs, and no other', async () => {
      const session = await suite.open({ max: 1 })
      const marker = `${table} ends a transaction by ${how}`
      const failure = failureOf(
        session.transaction(async (query) => {
          await query('select 1 as one')
          await query(`select pg_sleep(60), '${marker}' as marker`)
        }),
      )
      await observer.waitForQuery(marker)
      emulator.disconnectAll(how)
      expect(await failure).toBeInstanceOf(Error)
      const two = await session.transaction((query) => query('select 2 as two'))
      expect(two).toEqual([{ two: 2 }])
    })
  })

  test('a restart of PostgreSQL fails the query that runs, and no query that comes when it is over', async () => {
    const { query } = await suite.open({ max: 2 })
    const marker = `${table} restarts`
    const failure = failureOf(query(`select pg_sleep(60), '${marker}' as marker`))
    await observer.waitForQuery(marker)
    await query('select 1 as one') // another session, which is idle when it is ended
    const restart = await emulator.faults.begin({ incident: 'postgresRestart' })
    expect(await failure).toBeInstanceOf(Error)
    await restart.end()
    await vi.waitFor(async () => expect(await query('select 2 as two')).toEqual([{ two: 2 }]), often)
  })
}
