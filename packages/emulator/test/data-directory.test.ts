import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { DataDirectory, explainSocketError } from '../src/data-directory.ts'
import { startEmulator, type EmulatorOptions } from '../src/index.ts'
import { targetOfAddress } from '../src/postgres-target.ts'
import { runInitFile } from '../src/run-init-file.ts'
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
  const skipped: string[] = []
  const options: EmulatorOptions = {
    instances: [A],
    dataDirectory,
    initFiles: [init],
    onInitFilesSkipped: (cluster) => skipped.push(cluster),
  }
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
  expect(skipped).toEqual([])
  // A crash has left this, and another process has got the number since.
  writeFileSync(join(dataDirectory, 'clusters/p.r.a/postgres/postmaster.pid'), `${process.pid}\n`)
  expect(await kept()).toEqual(first)
  expect(skipped).toEqual(['projects/p/locations/r/clusters/a'])
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

test('the authority of a cluster that was deleted and made again is kept', async () => {
  const options = { postgres: inject('postgres'), dataDirectory }
  await using emulator = await startEmulator(options)
  const before = await certificate(emulator)
  const deletion = await emulator.faults.begin({ incident: 'deletion', cluster: true })
  await deletion.end()
  const { caCert } = await certificate(emulator)
  expect(caCert).not.toBe(before.caCert)
  await emulator.stop()
  await using again = await startEmulator(options)
  expect((await certificate(again)).caCert).toBe(caCert)
})

test('a directory that is none says what to do', async () => {
  const file = sqlFile('file', '')
  for (const path of [file, join(file, 'below')]) {
    await expect(startEmulator({ dataDirectory: path })).rejects.toThrow(
      `The data directory "${path}" can't be made: a file is in its place`,
    )
  }
  const refused = Object.assign(new Error('listen EOPNOTSUPP'), { code: 'EOPNOTSUPP' })
  expect(explainSocketError('/mnt/share', refused)).toMatchObject({
    message: expect.stringMatching(
      /without Unix sockets \(EOPNOTSUPP\).*\nGive one on a file system of this/,
    ),
  })
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

test('SQL files run in the database that is asked for, in UTF-8 with or without a byte order mark', async () => {
  const dump = '\\restrict aBc\n\nselect 1;\n\\unrestrict aBc\n'
  const files = [
    sqlFile('mark.sql', '\uFEFFcreate table marked (n int)'),
    sqlFile('dump.sql', dump),
    sqlFile('copy.sql', 'copy (select 1) to stdout'),
  ]
  await using emulator = await startEmulator({ database: 'my "shop"', initFiles: files })
  expect(emulator.instances[0]!.postgresUrl).toContain('@/my%20%22shop%22?host=')
  const client = await login(emulator, { password: 'postgres', database: 'my "shop"' })
  const { rows } = await client.query('select current_database(), (select count(*) from marked)')
  expect(rows).toEqual([{ current_database: 'my "shop"', count: '0' }])
  await client.query('create schema mine')
  await client.end()
})

test('a database is made once on a PostgreSQL that emulators share, and never on another', async () => {
  const options = { postgres: inject('postgres'), database: 'shared' }
  const both = await Promise.all([startEmulator(options), startEmulator(options)])
  for (const emulator of both) {
    await (await login(emulator, { password: 'postgres', database: 'shared' })).end()
    await emulator.stop()
  }
  const url = { postgres: 'postgres://me@127.0.0.1:1/db', database: 'shop' }
  await expect(startEmulator(url)).rejects.toThrow(/names the database, and the emulator makes none there/)
  await expect(startEmulator({ database: 'x'.repeat(64) })).rejects.toThrow(/can't be a database's name/)
})

describe('an SQL file that is none', () => {
  test('is known before anything is started', async () => {
    const files: [string, RegExp][] = [
      [
        join(dataDirectory, 'nowhere.sql'),
        /nowhere.sql" is not there\.\nGive a file; a relative path begins/,
      ],
      [dataDirectory, /" is a directory\.\nGive a file/],
      [sqlFile('utf16.sql', '\0s\0e\0l'), /" is not a text in UTF-8\.\nSave it/],
    ]
    for (const [file, message] of files) {
      await expect(startEmulator({ dataDirectory, initFiles: [file] })).rejects.toThrow(message)
      expect(readdirSync(dataDirectory)).not.toContain('clusters')
    }
  })

  test('has what only psql can run, or no transaction can: says what to do', async () => {
    const postgres = inject('postgres')
    const target = targetOfAddress(postgres)
    const run = (sql: string): Promise<void> => runInitFile(target, 'postgres', { path: 'a.sql', sql })
    const copy = 'Only psql can run COPY … FROM stdin with its data in the file: use INSERT'
    await expect(run('create temp table t (n int);\nCOPY t FROM stdin;')).rejects.toThrow(
      `a.sql:2: COPY from stdin failed: no data come with the statement (57014)\n${copy}`,
    )
    await expect(run('COPY public.t (n, m) FROM stdin;\n1\tone\n\\.\n')).rejects.toThrow(
      `a.sql:2: syntax error at or near "1" (42601)\n${copy}`,
    )
    await expect(run('select 1;\n\\connect shop\n')).rejects.toThrow(
      `a.sql:2: syntax error at or near "\\" (42601)\nWhat begins with a backslash is a command of psql's`,
    )
    await expect(run('create database other;\nselect 1')).rejects.toThrow(
      /^a\.sql: CREATE DATABASE cannot run inside a transaction block \(25001\)\nA file runs in one transaction/,
    )
  })
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
