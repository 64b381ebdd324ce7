// Measures the emulator as a program: the time to ready, connections at once, and its memory over many connect and close
// cycles. It runs what has been built. Fails where it breaks a promise: memory within 10 %, and no PostgreSQL backend left behind.
//
// The emulator runs on the newest Node.js that is checked: 24.21 itself loses some 10 KiB with each client certificate that a
// tls.Server verifies, since it makes an X509Certificate of the chain for each (nodejs/node#64677), which loses the others
// in the chain. 26.10, 24.20 and 22.23 do not.
//
//   node --conditions=@alloydb/source tooling/scripts/measure-emulator.ts [cycles] [at once]
//
// Memory says something from 10,000 cycles on.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Connector } from '../../packages/core/src/index.ts'
import { createClient } from '../../packages/pg/src/index.ts'
import { fetchNodeVersions } from './package-checks/node-versions.ts'

const cycles = Number(process.argv[2] ?? 10_000)
const atOnce = Number(process.argv[3] ?? 500)
// The warm-up takes longer than fewer.
const MEMORY_CYCLES = 10_000
const CONCURRENCY = 20
const ROUNDS = 10
// By then the log of requests is full, and V8's young generation has grown to its size.
const WARM_UP_ROUNDS = 4
const login = { user: 'postgres', password: 'postgres', database: 'postgres' }

const [node] = (await fetchNodeVersions(import.meta.dirname)).toReversed()
assert(node)
report(`Node.js ${node.version}`)
const startedAt = performance.now()
const bin = join(import.meta.dirname, '../../packages/emulator/dist/bin.js')
const emulator = spawn(node.path, [bin, '--json', '--quiet', '--port=0', '--admin-port=0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [line] = (await once(emulator.stdout, 'data')) as [Buffer]
report(`ready after ${Math.round(performance.now() - startedAt)} ms`)
const { host, instances } = JSON.parse(String(line)) as { host: string; instances: [{ uri: string }] }
const instance = instances[0].uri
process.env['ALLOYDB_EMULATOR_HOST'] = host
const connector = new Connector()

try {
  await connectAtOnce()
  let before = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const roundStartedAt = performance.now()
    await connectAndClose(cycles / ROUNDS)
    const eachMs = (performance.now() - roundStartedAt) / (cycles / ROUNDS)
    report(`${residentMiB()} MiB after ${(round * cycles) / ROUNDS} cycles, ${eachMs.toFixed(1)} ms each`)
    if (round === WARM_UP_ROUNDS) before = residentMiB()
  }
  await settle()
  const after = residentMiB()
  report(`${after} MiB in the end: ${(((after - before) / before) * 100).toFixed(1)} % since the warm-up`)
  assert.equal(await countBackends(), 1, 'the sessions that have ended have left no backend')
  if (cycles >= MEMORY_CYCLES) assert(after < before * 1.1, 'memory is flat')
} finally {
  await connector.close()
  emulator.kill()
  await once(emulator, 'exit')
}

async function connectAtOnce(): Promise<void> {
  const before = performance.now()
  const clients = Array.from({ length: atOnce }, () => createClient({ instance, connector, ...login }))
  await Promise.all(clients.map((client) => client.connect()))
  report(
    `${atOnce} connections at once in ${Math.round(performance.now() - before)} ms; ${await countBackends()} backends`,
  )
  await Promise.all(clients.map((client) => client.end()))
}

async function connectAndClose(times: number): Promise<void> {
  let left = times
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const client = createClient({ instance, connector, ...login })
      await client.connect()
      await client.end()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
}

/** Waits until the backends of ended sessions are gone. */
async function settle(): Promise<void> {
  while ((await countBackends()) > 1) await new Promise((resolve) => void setTimeout(resolve, 100))
}

async function countBackends(): Promise<number> {
  const client = createClient({ instance, connector, ...login })
  await client.connect()
  const { rows } = await client.query<{ count: string }>(
    `select count(*) from pg_stat_activity where backend_type = 'client backend' and usename = current_user`,
  )
  await client.end()
  return Number(rows[0]?.count)
}

function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${emulator.pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}

function report(text: string): void {
  console.log(text)
}
