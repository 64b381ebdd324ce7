import { expect, test, vi } from 'vitest'
import type { RecordingDialer } from '../harness.ts'
import { often } from '../observer.ts'
import { runProgram } from '../run-program.ts'
import type { Suite } from '../suite.ts'

const program = new URL('../programs/run-subject.ts', import.meta.url)

export function testEnd({
  subject,
  emulator,
  instance,
  login,
  identity,
  observer,
  table,
  ...suite
}: Suite): void {
  test('two pools share a connector, and end each by itself', async () => {
    const dialer = suite.recordDials()
    const [first, second] = [await suite.open({ dialer }), await suite.open({ dialer })]
    await Promise.all([first.query('select 1 as one'), second.query('select 2 as two')])
    await first.end()
    expect(await second.query('select 2 as two')).toEqual([{ two: 2 }])
    expect(dialer.options).toHaveLength(2)
    await second.end()
    await closed(dialer)
  })

  test('end() closes the connections that are idle', async () => {
    const dialer = suite.recordDials()
    const session = await suite.open({ dialer })
    await Promise.all([session.query('select 1 as one'), session.query('select 2 as two')])
    await session.end()
    await closed(dialer)
  })

  suite.testIfAble('end after queries', 'end() waits for the query that runs', async () => {
    const dialer = suite.recordDials()
    const session = await suite.open({ dialer })
    const marker = `${table} is ended`
    const query = session.query(`select '${marker}' as marker from pg_sleep(0.1)`)
    await observer.waitForQuery(marker)
    await session.end()
    expect(await query).toEqual([{ marker }])
    await closed(dialer)
  })

  suite.testIfAble(
    'end while connecting',
    'end() comes to its end while a query is being connected, and so does the query',
    async () => {
      const dialer = suite.recordDials()
      const session = await suite.open({ dialer })
      const outcome = Promise.allSettled([session.query('select 1 as one')])
      await session.end()
      await outcome
      await closed(dialer)
    },
  )

  test('a process ends by itself when all is ended, whatever it has done', async () => {
    const { module, aliases } = subject
    const { stdout, stderr } = await runProgram(program, {
      args: [JSON.stringify({ module, instance, login })],
      env: { ...emulator.env, KEY_PAIR: identity.keyPair },
      aliases,
    })
    const isAble = subject.lacks?.['end while connecting'] === undefined
    expect(stdout).toBe(`ended while idle\n${isAble ? 'ended while busy\n' : ''}ended after a failure\n`)
    expect(stderr).toBe('')
  }, 30_000)
}

async function closed({ sockets }: RecordingDialer): Promise<void> {
  await vi.waitFor(() => expect(sockets.every((socket) => socket.closed)).toBe(true), often)
}
