import assert from 'node:assert/strict'
import { Connector } from '@alloydb/core'
import { createClient, createPool } from '@alloydb/pg'
import { listen } from './listen.ts'

// User, password and database are those of PGUSER, PGPASSWORD and PGDATABASE.
const instance = process.env['ALLOYDB_INSTANCE'] ?? ''
const connector = new Connector()
const pool = createPool({ connector, instance })
const application_name = 'listen-example'

await pool.query('drop schema if exists listen_example cascade')
await pool.query('create schema listen_example')
await pool.query(`
  create table listen_example.jobs (id int primary key, is_done bool not null default false);
  create function listen_example.notify() returns trigger language plpgsql as $$
    begin perform pg_notify('listen_example', new.id::text); return null; end
  $$;
  create trigger notify after insert on listen_example.jobs
    for each row execute function listen_example.notify()`)

const addJob = (id: number): Promise<unknown> =>
  pool.query('insert into listen_example.jobs (id) values ($1)', [id])
const done: number[] = []

/** Does all jobs that are not done: those that were notified, and those whose notification nobody heard. */
async function doJobs(): Promise<void> {
  const { rows } = await pool.query<{ id: number }>(
    'update listen_example.jobs set is_done = true where not is_done returning id',
  )
  done.push(...rows.map(({ id }) => id))
}

await addJob(1) // before anyone listens
const stop = new AbortController()
let timesListening = 0
for await (const event of listen(
  () => createClient({ connector, instance, application_name }),
  'listen_example',
  stop.signal,
)) {
  if (event.type === 'lost') {
    console.log('lost the connection, and will try again')
    continue
  }
  await doJobs()
  if (event.type === 'listening') {
    timesListening++
    console.log(`listening; jobs done so far: ${done.join(', ')}`)
    await addJob(timesListening + 1)
    continue
  }
  console.log(`was notified of job ${event.payload}`)
  assert.ok(done.includes(Number(event.payload)))
  if (event.payload === '2') {
    // What maintenance or a failover does to a listener.
    await pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      application_name,
    ])
  } else {
    stop.abort()
  }
}

console.log(`all jobs are done: ${done.join(', ')}`)
assert.deepEqual(done, [1, 2, 3])
assert.equal(timesListening, 2)
await pool.end()
await connector.close()
