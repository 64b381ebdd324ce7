import { describe, expect, test, vi } from 'vitest'
import { hang, recordDials, type RecordingDialer } from '../harness.ts'
import { often } from '../observer.ts'
import type { Session } from '../subject.ts'
import type { Suite } from '../suite.ts'

export function testDials({ emulator, connector, failureOf, ...suite }: Suite): void {
  const rejected = { code: 'ALLOYDB_EXCHANGE_REJECTED' }

  describe('a dial that fails', () => {
    test('fails what needs it, and nothing after it', async () => {
      const dialer = suite.recordDials()
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      let session: Session | undefined
      const query = async (): Promise<unknown> => {
        session ??= await suite.open({ dialer, max: 1 })
        return session.query('select 1 as one')
      }
      const error = await failureOf(query())
      expect(error).toMatchObject(rejected)
      expect((error as Error).message).toContain('not today')
      expect(dialer.options).toHaveLength(1)
      expect(await query()).toEqual([{ one: 1 }])
      expect(dialer.options).toHaveLength(2)
    })

    test('fails each query once while the server is down, and none when it is back', async () => {
      const dialer = suite.recordDials()
      const { query } = await suite.open({ dialer, max: 2 })
      await query('select 1 as one')
      emulator.faults.add({ step: 'exchange', fail: { message: 'down' } })
      emulator.disconnectAll('FIN')
      await closed(dialer)
      for (let i = 0; i < 4; i++) expect(await failureOf(query('select 1 as one'))).toMatchObject(rejected)
      expect(dialer.failures).toHaveLength(4)
      emulator.faults.clear()
      const rows = await Promise.all([1, 2, 3].map((n) => query('select $1::int4 as n', [n])))
      expect(rows).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
    })

    suite.testIfAble('dial errors as they are', "throws the dialer's own error, once", async () => {
      const dialer = suite.recordDials()
      const { query } = await suite.open({ dialer, max: 2 })
      await query('select 1 as one')
      emulator.faults.add({ step: 'exchange', fail: { message: 'down' }, times: 2 })
      emulator.disconnectAll('FIN')
      await closed(dialer)
      const errors = [await failureOf(query('select 1 as one')), await failureOf(query('select 1 as one'))]
      expect(dialer.failures).toHaveLength(2)
      for (const [i, error] of errors.entries()) expect(error).toBe(dialer.failures[i])
    })
  })

  suite.testIfAble(
    'connect timeout',
    "a dial that hangs is aborted by the driver's own timeout, and the next one succeeds",
    async () => {
      let isDown = true
      const dialer = recordDials((...args) => (isDown ? hang(...args) : connector.connect(...args)))
      let session: Session | undefined
      const query = async (): Promise<unknown> => {
        session ??= await suite.open({ dialer, max: 1, connectTimeoutMs: 200 })
        return session.query('select 1 as one')
      }
      expect(await failureOf(query())).toBeInstanceOf(Error)
      expect(dialer.signals.map(({ aborted }) => aborted)).toEqual([true])
      isDown = false
      // A busy machine may need more time, and then more tries.
      await vi.waitFor(async () => expect(await query()).toEqual([{ one: 1 }]), often)
    },
  )
}

async function closed(dialer: RecordingDialer): Promise<void> {
  await vi.waitFor(() => expect(dialer.sockets.every((socket) => socket.closed)).toBe(true), often)
}
