import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { TLSSocket } from 'node:tls'
import type { DialEvent, RefreshEvent } from '@alloydb/core'
import { startEmulator, type Emulator } from '@alloydb/emulator'
import { createPool } from '@alloydb/pg'
import { measure, report } from './report.ts'

// The connector publishes what it does on diagnostics channels: here, to show what each step takes.
const refreshes: RefreshEvent[] = []
const dials: DialEvent[] = []
subscribe('tracing:alloydb:refresh:asyncEnd', (event) => void refreshes.push(event as RefreshEvent))
subscribe('tracing:alloydb:dial:asyncEnd', (event) => void dials.push(event as DialEvent))

/** Ordinary node-postgres: nothing here but the instance says AlloyDB. */
async function usePool({ instance }: Emulator): Promise<string> {
  const pool = createPool({ instance, user: 'postgres', password: 'postgres', database: 'postgres', max: 5 })
  try {
    const [client, connectMs] = await measure(() => pool.connect())
    const socket = (client as unknown as { connection: { stream: unknown } }).connection.stream
    assert(socket instanceof TLSSocket, 'the driver owns the raw TLS socket')
    const tlsVersion = socket.getProtocol()
    const { rows: servers } = await client.query<{ version: string }>('select version()')
    client.release()
    reportConnect(connectMs)
    report(`PostgreSQL answers: ${servers[0]?.version.split(' on ')[0]}`)

    const [, createMs] = await measure(() =>
      pool.query(
        'create table greetings (id int generated always as identity primary key, text text not null)',
      ),
    )
    report('created a table', createMs)

    const words = Array.from({ length: 20 }, (_, index) => `hello ${index + 1}`)
    const [, insertMs] = await measure(() =>
      Promise.all(words.map((word) => pool.query('insert into greetings (text) values ($1)', [word]))),
    )
    assert.equal(pool.totalCount, 5)
    assert.equal(dials.length, 5)
    report('ran 20 queries at once, over 5 connections', insertMs)

    const { rows } = await pool.query<{ text: string }>('select text from greetings')
    assert.deepEqual(rows.map(({ text }) => text).toSorted(), words.toSorted())
    assert.equal(refreshes.length, 1)
    return `${tlsVersion}, ${rows.length} rows`
  } finally {
    await pool.end() // ends the pool, and closes the connector that it made
  }
}

/** IAM login: no user and no password. Both come from the credentials. */
async function useIamLogin({ instance }: Emulator): Promise<void> {
  const pool = createPool({ instance, database: 'postgres', authType: 'IAM' })
  try {
    const [{ rows }, ms] = await measure(() => pool.query<{ current_user: string }>('select current_user'))
    report(`logged in with IAM, as "${rows[0]?.current_user}"`, ms)
  } finally {
    await pool.end()
  }
}

function reportConnect(totalMs: number): void {
  const { keyPair = 0, connectionInfo = 0, certificate = 0 } = refreshes[0]?.phases ?? {}
  const { tcp = 0, tls = 0, exchange = 0 } = dials[0]?.phases ?? {}
  report('made an RSA-2048 key pair, off the main thread', keyPair)
  report('asked the Admin API where the instance is (beside the key pair)', connectionInfo)
  report('had a client certificate made for the key', certificate)
  report('TCP and TLS 1.3, verified both ways', tcp + tls)
  report('metadata exchange: who is calling', exchange)
  const dialMs = Object.values(dials[0]?.phases ?? {}).reduce((sum, ms) => sum + ms, 0)
  report('PostgreSQL startup and password login', totalMs - dialMs)
  report('= the first connection', totalMs)
}

console.log('\nAlloyDB quickstart: all on this machine, nothing in the cloud\n')
const starting = measure(() => startEmulator())

// Ctrl-C, and a container's stop: take everything down, whatever the queries are at.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort()
    void starting.then(
      ([emulator]) => emulator.stop(),
      () => {}, // said below
    )
  })
}

try {
  const [emulator, startMs] = await starting
  report(`started the emulator at ${emulator.host}, with PostgreSQL`, startMs)
  // What points an application at the emulator. Without it, the same code connects to AlloyDB itself.
  process.env['ALLOYDB_EMULATOR_HOST'] = emulator.host
  try {
    const summary = await usePool(emulator)
    await useIamLogin(emulator)
    await emulator.stop()
    console.log(`\nDone: ${summary}. Everything that was started is stopped again.\n`)
  } finally {
    await emulator.stop()
  }
} catch (error) {
  if (!interrupted.signal.aborted) throw error
  process.exitCode = 130
  console.log('\nInterrupted: everything that was started is stopped again.\n')
}
