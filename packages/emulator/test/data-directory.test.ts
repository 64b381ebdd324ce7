import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { DataDirectory } from '../src/data-directory.ts'
import { startEmulator, type EmulatorOptions } from '../src/index.ts'
import { certificate, login } from './dial.ts'
import { runProgram } from './command-line/run-bin.ts'

vi.setConfig({ testTimeout: 30_000 }) // starting PostgreSQL takes a busy machine a while

const A = 'projects/p/locations/r/clusters/a/instances/i'
const USER = 'ada@example.com'

let dataDirectory: string
beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'test-'))
  chmodSync(dataDirectory, 0o755)
})
afterEach(() => rmSync(dataDirectory, { recursive: true, force: true }))

function sqlFile(name: string, sql: string): string {
  const path = join(dataDirectory, name)
  writeFileSync(path, sql)
  return path
}

test('data, authorities, keys and users are there at the next start; SQL files are not run again', async () => {
  const init = sqlFile('init.sql', 'create table runs (at timestamptz);\ninsert into runs values (now());')
  const options: EmulatorOptions = { instances: [A], dataDirectory, initFiles: [init] }
  const kept = async (): Promise<unknown[]> => {
    await using emulator = await startEmulator(options)
    const client = await login(emulator, { password: 'postgres' })
    const { rows } = await client.query('select (select count(*) from runs) as runs, current_user as user')
    const { rows: owners } = await client.query(`select tableowner from pg_tables where tablename = 'runs'`)
    await client.end()
    const { caCert } = await certificate(emulator)
    const { token_uri: _, ...key } = emulator.serviceAccount
    return [rows, owners, caCert, key, (await emulator.authFor(USER)).credentials]
  }
  const first = await kept()
  expect(first.slice(0, 2)).toEqual([[{ runs: '1', user: 'postgres' }], [{ tableowner: 'postgres' }]])
  expect(await kept()).toEqual(first)
  for (const name of ['credentials.json', 'clusters/p.r.a/cluster.json']) {
    expect(statSync(join(dataDirectory, name)).mode & 0o777).toBe(0o600)
  }

  // Data of another major version is left alone.
  const versionFile = join(dataDirectory, 'clusters/p.r.a/postgres/PG_VERSION')
  const own = readFileSync(versionFile, 'utf8').trim()
  writeFileSync(versionFile, '12\n')
  await expect(startEmulator(options)).rejects.toThrow(
    `is that of PostgreSQL 12, and the emulator runs PostgreSQL ${own}.`,
  )
  expect(readFileSync(versionFile, 'utf8')).toBe('12\n')
})

test('two emulators never use one directory at once', async () => {
  const postgres = inject('postgres')
  await using one = await startEmulator({ postgres, dataDirectory })
  await expect(startEmulator({ postgres, dataDirectory })).rejects.toThrow(
    /Another emulator is using the data directory ".*"\.\nStop it, or give/,
  )
  await one.stop()
  await using _again = await startEmulator({ postgres, dataDirectory })
})

test('of those that want it at once, after one that was killed, no two get it', async () => {
  const listen = `require('net').createServer().listen('owner-dead.sock', () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', listen], { cwd: dataDirectory })
  expect(readdirSync(dataDirectory)).toEqual(['owner-dead.sock'])
  const opened = await Promise.allSettled(Array.from({ length: 8 }, () => DataDirectory.open(dataDirectory)))
  const owners = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  expect(owners.length).toBeLessThan(2)
  await Promise.all(owners.map((owner) => owner.close()))
  await (await DataDirectory.open(dataDirectory)).close()
  expect(readdirSync(dataDirectory)).toEqual([])
})

test('what an emulator that was killed has written is there, and is kept', async () => {
  const program = `
    const emulator = await startEmulator({ dataDirectory: ${JSON.stringify(dataDirectory)}, initFiles: [process.argv[1]] })
    console.log('ready')
    setInterval(() => {}, 1000)
  `
  const child = runProgram(program, sqlFile('init.sql', 'create table kept (n int)'))
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await using emulator = await startEmulator({ dataDirectory })
  const client = await login(emulator, { password: 'postgres' })
  expect((await client.query('select * from kept')).rows).toEqual([])
  await client.end()
})

describe('an SQL file with a mistake', () => {
  test('stops the start, which says file and line, and is run again at the next one', async () => {
    const init = sqlFile('init.sql', `create table "𝒳" (n int);\n\ninsert into nowhere values (1);\n`)
    const options = { instances: [A], dataDirectory, initFiles: [init] }
    await expect(startEmulator(options)).rejects.toThrow(
      `${init}:3: relation "nowhere" does not exist (42P01)`,
    )
    writeFileSync(init, 'create table "𝒳" (n int)')
    await using _emulator = await startEmulator(options)
  })

  test('is not run on data that may not be new', async () => {
    const options = { postgres: inject('postgres'), initFiles: ['init.sql'] }
    await expect(startEmulator(options)).rejects.toThrow(/run on new data alone/)
  })
})
