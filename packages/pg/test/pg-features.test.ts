import type { Dialer } from '@alloydb/core'
import { failureOf, recordDials, startHarness } from '@alloydb-tooling/conformance'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pgConfig } from '../src/index.ts'
import { endlessQuery, type Canceller } from './endless-query.ts'

const { emulator, instance, login, connector } = await startHarness()

describe.each([
  ['the newest pg', pg],
  ['pg 8.9', oldestPg],
])('%s', (_, { Client, Query }) => {
  async function connect(options: pg.ClientConfig = {}, dialer: Dialer = connector): Promise<pg.Client> {
    const client = new Client({ ...login, ...options, ...pgConfig(dialer, instance) })
    client.on('error', () => {})
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }

  const numbers = 'select n from generate_series(1, $1::int4) as n'
  const count = 10_000

  test('reads by a cursor', async () => {
    const client = await connect()
    const cursor = client.query(new Cursor<{ n: number }>(numbers, [count]))
    const first = await cursor.read(100)
    expect(first.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(await cursor.read(count)).toHaveLength(count - 100)
    expect(await cursor.read(1)).toEqual([])
    await client.query(new Cursor(numbers, [count])).close()
    expect((await client.query('select 1')).rowCount).toBe(1)
  })

  test('streams a query', async () => {
    const client = await connect()
    let sum = 0
    for await (const { n } of client.query(new QueryStream(numbers, [count])) as AsyncIterable<{
      n: number
    }>) {
      sum += n
    }
    expect(sum).toBe((count * (count + 1)) / 2)
    for await (const row of client.query(new QueryStream(numbers, [count]))) {
      expect(row).toEqual({ n: 1 })
      break
    }
    expect((await client.query('select 1')).rowCount).toBe(1)
  })

  test('copies from a stream and to a stream', async () => {
    const client = await connect()
    await client.query('create temporary table copied (id int4, name text)')
    const lines = Array.from({ length: count }, (_, i) => `${i}\tname ${i}\n`)
    const source = client.query(copyFrom('copy copied from stdin'))
    await pipeline(Readable.from(lines), source)
    expect(source.rowCount).toBe(count)
    expect(await text(client.query(copyTo('copy copied to stdout')))).toBe(lines.join(''))
  })

  test('fails a copy that the server ends, or refuses', async () => {
    const client = await connect()
    await client.query('create temporary table copied (id int4)')
    const refused = pipeline(
      Readable.from(['1\n', 'two\n']),
      client.query(copyFrom('copy copied from stdin')),
    )
    expect(await failureOf(refused)).toMatchObject({ code: '22P02' })
    const endless = Readable.from(
      (function* () {
        for (let i = 0; ; i++) {
          if (i === 1000) emulator.disconnectAll('RST')
          yield `${i}\n`.repeat(1000)
        }
      })(),
    )
    const lost = pipeline(endless, client.query(copyFrom('copy copied from stdin')))
    expect(await failureOf(lost)).toBeInstanceOf(Error)
  })

  test('listens and notifies', async () => {
    const [listener, notifier] = [await connect(), await connect()]
    await listener.query('listen orders')
    const notified = once(listener, 'notification')
    await notifier.query(`notify orders, '42'`)
    expect(await notified).toMatchObject([{ channel: 'orders', payload: '42' }])
  })

  test('cancels a query, by a connection of its own', async () => {
    const dialer = recordDials((...args) => connector.connect(...args))
    const client = await connect({}, dialer)
    const query = new Query(endlessQuery)
    const failed = new Promise((resolve) => query.on('error', resolve))
    const started = once(client, 'notice')
    client.query(query)
    await started
    const canceller = new Client({ ...login, ...pgConfig(dialer, instance) }) as Canceller
    canceller.cancel(client, query)
    expect(await failed).toMatchObject({ code: '57014' })
    expect(dialer.sockets).toHaveLength(2)
    expect((await client.query('select 1')).rowCount).toBe(1)
  })

  test('gives up a query that takes longer than query_timeout, or than statement_timeout', async () => {
    const client = await connect({ statement_timeout: 50 })
    expect(await failureOf(client.query('select pg_sleep(60)'))).toMatchObject({ code: '57014' })
    expect((await client.query('select 1')).rowCount).toBe(1)
  })
})

test('pipelines queries', async () => {
  const dialer = recordDials((...args) => connector.connect(...args))
  const client = new pg.Client({ ...login, pipeline: true, ...pgConfig(dialer, instance) })
  await client.connect()
  const results = await Promise.allSettled([
    client.query('select $1::int4 as n', [1]),
    client.query('select 1 / $1::int4', [0]),
    client.query('select $1::int4 as n', [3]),
  ])
  expect(results).toMatchObject([
    { value: { rows: [{ n: 1 }] } },
    { reason: { code: '22012' } },
    { value: { rows: [{ n: 3 }] } },
  ])
  await client.end()
})
