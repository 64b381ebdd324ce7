import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from 'vitest'
import type { CacheEvent, DialEvent, RefreshEvent } from '../src/index.ts'
import { failureOf, startHarness } from './harness.ts'

const { emulator, openConnector } = await startHarness()
const { instance } = emulator
const subscriptions: (() => void)[] = []

afterEach(() => {
  for (const end of subscriptions.splice(0)) end()
})

/** Collects what is published on a channel, until the test is over. */
function collect<T>(name: string): T[] {
  const events: T[] = []
  const listener = (event: unknown): void => void events.push(event as T)
  subscribe(name, listener)
  subscriptions.push(() => unsubscribe(name, listener))
  return events
}

describe('the diagnostics channels', () => {
  test('tell of a dial with its phases and its address', async () => {
    const ended = collect<DialEvent>('tracing:alloydb:dial:asyncEnd')
    const connector = openConnector()
    ;(await connector.connect(instance, { ipType: 'PUBLIC' })).destroy()
    expect(ended).toEqual([
      expect.objectContaining({
        connector,
        instance,
        ipType: 'PUBLIC',
        authType: 'PASSWORD',
        address: '127.0.0.1',
        port: emulator.instances[0]?.port,
        attempts: 1,
        phases: {
          connectionInfo: expect.any(Number) as number,
          tcp: expect.any(Number) as number,
          wait: expect.any(Number) as number,
          tls: expect.any(Number) as number,
          exchange: expect.any(Number) as number,
        },
      }),
    ])
  })

  test('tell of a dial that failed, and of its second try', async () => {
    emulator.faults.add({ step: 'exchange', close: 'FIN' })
    const errors = collect<DialEvent>('tracing:alloydb:dial:error')
    const error = await failureOf(openConnector().connect(instance))
    expect(errors).toEqual([expect.objectContaining({ instance, attempts: 2, error })])
  })

  test('tell of a refresh with its phases and the expiry', async () => {
    const ended = collect<RefreshEvent>('tracing:alloydb:refresh:asyncEnd')
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    expect(ended).toHaveLength(1)
    expect(ended[0]).toMatchObject({ connector, instance })
    expect(Object.keys(ended[0]?.phases ?? {}).toSorted()).toEqual([
      'certificate',
      'connectionInfo',
      'keyPair',
    ])
    expect(ended[0]?.expiresAt).toBeGreaterThan(Date.now())
  })

  test('tell of a refresh that failed while the old certificate stays in use', async () => {
    const errors = collect<RefreshEvent>('tracing:alloydb:refresh:error')
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    emulator.faults.add({ step: 'connectionInfo', fail: { status: 503 } })
    emulator.faults.add({ step: 'tls', close: 'RST', times: 1 })
    await failureOf(connector.connect(instance))
    expect(errors).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({ code: 'ALLOYDB_ADMIN_API_UNAVAILABLE' }) as Error,
      }),
    ])
    ;(await connector.connect(instance)).destroy()
  })

  test('tell what the caches do', async () => {
    const events = collect<CacheEvent>('alloydb:cache')
    const connector = openConnector()
    ;(await connector.connect(instance)).destroy()
    await connector.close()
    expect(events.map(({ action }) => action)).toEqual(['add', 'schedule', 'remove'])
  })
})

describe('a logger', () => {
  test('is told of its own connector alone, until that is closed', async () => {
    const lines: string[] = []
    const logger = {
      debug: (line: string) => void lines.push(line),
      warn: (line: string) => void lines.push(line),
    }
    const watched = openConnector({ logger })
    ;(await openConnector().connect(instance)).destroy()
    expect(lines).toEqual([])
    ;(await watched.connect(instance)).destroy()
    await watched.close()
    const before = lines.length
    expect(before).toBeGreaterThan(0)
    await failureOf(watched.connect(instance))
    expect(lines).toHaveLength(before)
  })

  test('that throws disturbs nothing', async () => {
    const broken = (): never => {
      throw new Error('the disk is full')
    }
    const connector = openConnector({ logger: { debug: broken, warn: broken } })
    ;(await connector.connect(instance)).destroy()
  })

  test('whose promises are rejected disturbs nothing', async () => {
    const broken = (): void => Promise.reject(new Error('the disk is full')) as unknown as void
    const connector = openConnector({ logger: { debug: broken, warn: broken } })
    ;(await connector.connect(instance)).destroy()
  })

  test('is warned of failures', async () => {
    const warnings: string[] = []
    const connector = openConnector({ logger: { debug() {}, warn: (line) => void warnings.push(line) } })
    emulator.faults.add({ step: 'connectionInfo', fail: { status: 503, message: 'Down for lunch.' } })
    await failureOf(connector.connect(instance))
    expect(warnings).toEqual([
      expect.stringMatching(/^refresh .*: failed, .*\(HTTP 503\).*Down for lunch\.$/),
      expect.stringMatching(/^dial .*: failed, .*Down for lunch\.$/),
    ])
  })
})
