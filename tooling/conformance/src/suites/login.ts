import { Connector } from '@alloydb/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, onTestFinished, test, vi } from 'vitest'
import { recordDials } from '../harness.ts'
import { often } from '../observer.ts'
import type { Suite } from '../suite.ts'

const ipTypes = ['PRIVATE', 'PUBLIC', 'PSC'] as const

export function testLogin({ subject, emulator, identity, failureOf, ...suite }: Suite): void {
  test("throws PostgreSQL's error when the password is wrong", async () => {
    const failure = (async () => (await suite.open({ password: 'wrong' })).query('select 1 as one'))()
    expect(await failureOf(failure)).toMatchObject({ code: '28P01' })
  })

  test('logs in by IAM, without a password', async () => {
    const dialer = suite.recordDials()
    const iamUser = 'app@emulator.iam'
    const user = subject.findsIamUser ? undefined : iamUser
    const iamDialer = {
      connect: dialer.connect,
      getIamUser: () => suite.connector.getIamUser(),
    }
    const session = await suite.open({ dialer: iamDialer, authType: 'IAM', user, password: undefined })
    expect(await session.query('select current_user::text as name')).toEqual([{ name: iamUser }])
    expect(dialer.options[0]).toMatchObject({ authType: 'IAM' })
  })

  test.each(ipTypes)('connects by the IP type %s', async (ipType) => {
    const dialer = suite.recordDials()
    const session = await suite.open({ dialer, ipType })
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }])
    expect(dialer.options[0]).toMatchObject({ ipType })
    // A name is asked for (SNI) by PSC alone.
    expect(dialer.sockets[0]?.servername || undefined).toBe(ipType === 'PSC' ? 'localhost' : undefined)
  })

  test('goes on when the client certificate is replaced', async () => {
    // With so little left of it, a connector replaces the certificate at once.
    emulator.faults.add({ step: 'certificate', notAfter: new Date(Date.now() + 60_000), times: 1 })
    const connector = new Connector({ ...identity, refreshStrategy: 'background' })
    onTestFinished(() => connector.close())
    const countRefreshes = countEvents('tracing:alloydb:refresh:asyncEnd', connector)
    const dialer = recordDials((uri, options) => connector.connect(uri, options))
    const session = await suite.open({ dialer, max: 2 })
    await session.transaction(async (query) => {
      await query('select 1 as one')
      await vi.waitFor(() => expect(countRefreshes()).toBe(2), often)
      expect(await session.query('select 2 as two')).toEqual([{ two: 2 }])
      expect(await query('select 3 as three')).toEqual([{ three: 3 }])
    })
    const [first, second] = dialer.sockets.map((socket) => socket.getX509Certificate()?.serialNumber)
    expect(first).toBeDefined()
    expect(second).not.toBe(first)
  })
}

/** Counts what happens to a connector, for the time of one test. */
function countEvents(channel: string, connector: Connector): () => number {
  let count = 0
  const onEvent = (event: unknown): void => {
    if ((event as { connector: unknown }).connector === connector) count++
  }
  subscribe(channel, onEvent)
  onTestFinished(() => void unsubscribe(channel, onEvent))
  return () => count
}
