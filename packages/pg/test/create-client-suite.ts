import type { Dialer } from '@alloydb/core'
import { once } from 'node:events'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { createClient } from '../src/index.ts'
import { endlessQuery, type Canceller } from './endless-query.ts'
import { countConnectors, failureOf, hang, recordDials, type Harness } from '@alloydb-tooling/conformance'

export function testCreateClient({ emulator, instance, login, identity, connector }: Harness): void {
  describe('createClient', () => {
    test('makes an ordinary pg.Client', async () => {
      const client = createClient({ instance, connector, ...login })
      expect(client).toBeInstanceOf(pg.Client)
      await client.connect()
      expect(client.connection.stream).toBeInstanceOf(TLSSocket)
      expect((await client.query('select 1')).rowCount).toBe(1)
      await client.end()
    })

    test('refuses options that say where to connect', () => {
      const host = { host: 'localhost' }
      expect(() => createClient({ instance, connector, ...login, ...host })).toThrow(
        expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION' }),
      )
    })

    test('closes the connector that it made when it has ended', async () => {
      const counts = countConnectors()
      const client = createClient({ instance, ...identity, ...login })
      await client.connect()
      expect(counts.closed).toBe(0)
      await client.end()
      expect(counts.closed).toBe(1)
    })

    test('ends with a callback too', async () => {
      const counts = countConnectors()
      const client = createClient({ instance, ...identity, ...login })
      await client.connect()
      await new Promise<void>((resolve) => client.end(() => resolve()))
      expect(counts.closed).toBe(1)
    })

    test('closes the connector that it made when it has cancelled the query of another client', async () => {
      const counts = countConnectors()
      const client = createClient({ instance, connector, ...login })
      await client.connect()
      const query = new pg.Query(endlessQuery)
      const failed = new Promise((resolve) => query.on('error', resolve))
      const started = once(client, 'notice')
      client.query(query)
      await started
      const canceller = createClient({ instance, ...identity, ...login }) as Canceller
      canceller.cancel(client, query)
      expect(await failed).toMatchObject({ code: '57014' })
      await vi.waitFor(() => expect(counts.closed).toBe(1))
      await client.end()
    })

    test('closes the connector that it made when it could not connect', async () => {
      const counts = countConnectors()
      emulator.faults.add({ step: 'exchange', fail: { message: 'not today' }, times: 1 })
      const client = createClient({ instance, ...identity, ...login })
      expect(await failureOf(client.connect())).toMatchObject({ code: 'ALLOYDB_EXCHANGE_REJECTED' })
      await client.end()
      expect(counts.closed).toBe(1)
    })

    test('closes the connector that it made when the server has gone away', async () => {
      const counts = countConnectors()
      const client = createClient({ instance, ...identity, ...login })
      client.on('error', () => {})
      await client.connect()
      const ended = new Promise<void>((resolve) => client.once('end', resolve))
      emulator.disconnectAll('FIN')
      await ended
      await client.end()
      expect(counts.closed).toBe(1)
    })

    test('ends without having connected', async () => {
      await createClient({ instance, ...identity, ...login }).end()
    })

    test('gives up the dial when it is ended', async () => {
      const dialer = recordDials(hang)
      const client = createClient({ instance, connector: dialer, ...login })
      void client.connect()
      await vi.waitFor(() => expect(dialer.signals).toHaveLength(1))
      await client.end()
      expect(dialer.signals[0]?.aborted).toBe(true)
    })

    test('leaves a shared connector open', async () => {
      const counts = countConnectors()
      for (let i = 0; i < 2; i++) {
        const client = createClient({ instance, connector, ...login })
        await client.connect()
        await client.end()
      }
      expect(counts.closed).toBe(0)
    })

    test('asks the credentials for the user of an IAM login', async () => {
      const client = createClient({ instance, ...identity, authType: 'IAM', database: 'postgres' })
      await client.connect()
      expect((await client.query('select current_user as user')).rows).toEqual([{ user: 'app@emulator.iam' }])
      expect(client.user).toBe('app@emulator.iam')
      expect(client.database).toBe('postgres')
      await client.end()
    })

    test('fails a connect whose user cannot be found, by promise and by callback', async () => {
      const dialer: Dialer = {
        authType: 'IAM',
        connect: hang,
        getIamUser: () => Promise.reject(new Error('metadata server unavailable')),
      }
      const byPromise = createClient({ instance, connector: dialer })
      const message = 'metadata server unavailable'
      expect(await failureOf(byPromise.connect())).toMatchObject({ message })
      const byCallback = createClient({ instance, connector: dialer })
      expect(await new Promise((resolve) => byCallback.connect(resolve))).toMatchObject({ message })
    })
  })
}
