// Uses the subject that its argument names in several ways, says so, and has to end by itself.
import { Connector } from '@alloydb/core'
import type { Session, Subject } from '../subject.ts'

interface Task {
  module: string
  instance: string
  login: { user: string; password: string; database: string }
}

const { module, instance, login } = JSON.parse(process.argv[2] ?? '') as Task
const { subject } = (await import(module)) as { subject: Subject }
const dialer = new Connector({ keyPair: process.env['KEY_PAIR'] }) // is not closed: it must not hold up the process

async function open(password = login.password): Promise<Session> {
  return subject.open({ dialer, instance, ...login, password, max: 2 })
}

const idle = await open()
await Promise.all([1, 2, 3].map((n) => idle.query(`select ${n} as n`)))
await idle.end()
console.log('ended while idle')

if (subject.lacks?.['end while connecting'] === undefined) {
  const busy = await open()
  const outcomes = Promise.allSettled([1, 2].map(() => busy.query('select 1 as one from pg_sleep(0.01)')))
  await busy.end()
  await outcomes
  console.log('ended while busy')
}

// A library that connects when it is opened has then nothing to end.
const refused = await open('wrong').catch(() => undefined)
await refused?.query('select 1 as one').catch(() => {})
await refused?.end()
console.log('ended after a failure')
