import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, inject, test } from 'vitest'
import { knowsUsing, runBin, sharedPostgresOption, startBin } from './run-bin.ts'

const TIMEOUT_MS = 30_000

const shared = sharedPostgresOption()

describe.runIf(knowsUsing)('alloydb-emulator exec', { timeout: TIMEOUT_MS }, () => {
  test('gives the program what it needs, and has its exit code', async () => {
    const uri = (name: string): string => `projects/p/locations/r/clusters/c/instances/${name}`
    const print = `
      const { ALLOYDB_EMULATOR_HOST, ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE, PGUSER, PGPASSWORD, PGDATABASE } = process.env
      const { GOOGLE_APPLICATION_CREDENTIALS } = process.env
      const got = [ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE, PGUSER, PGPASSWORD, PGDATABASE]
      const { token_uri, client_email } = JSON.parse(require('fs').readFileSync(GOOGLE_APPLICATION_CREDENTIALS, 'utf8'))
      const isHere = token_uri.startsWith('http://' + ALLOYDB_EMULATOR_HOST + '/')
      console.log(JSON.stringify([...got, client_email, isHere, process.argv.slice(1)]))
      process.exitCode = 7
    `
    const options = ['--read-pool', uri('pool'), '--instance', uri('primary')]
    const program = ['--', process.execPath, '-e', print, '--', '--json', 'x y']
    const { code, stdout, stderr } = await runBin('exec', ...options, ...program)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      uri('primary'),
      uri('pool'),
      'postgres',
      'postgres',
      'postgres',
      'app@p.iam.gserviceaccount.com',
      true,
      ['--json', 'x y'],
    ])
    expect(code).toBe(7)
  })

  test("logs in to one's own PostgreSQL as its URL says", async () => {
    const print = 'console.log(process.env.PGUSER, process.env.PGPASSWORD, process.env.PGDATABASE)'
    const { stdout } = await runBin('exec', shared, '--', process.execPath, '-e', print)
    expect(stdout).toBe(`alloydbadmin ${inject('postgres').adminPassword} postgres\n`)
  })

  test('says as shells do that a program was not found, or ended by a signal', async () => {
    const [missing, killed] = await Promise.all([
      runBin('exec', shared, '--', 'no-such-program'),
      runBin('exec', shared, '--', 'sh', '-c', 'kill -KILL $$'),
    ])
    expect(missing).toEqual({
      code: 127,
      stdout: '',
      stderr: 'alloydb-emulator: no-such-program: command not found\n',
    })
    expect(killed.code).toBe(137)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'hands %s to the program, and waits for its end',
    async (signal) => {
      const wait = `
        process.on('${signal}', () => { console.log('bye'); process.exit(3) })
        console.log('ready')
        setInterval(() => {}, 1000)
      `
      const child = startBin('exec', shared, '--', process.execPath, '-e', wait)
      const exited = once(child, 'exit')
      await once(child.stdout, 'data')
      child.kill(signal)
      expect(await text(child.stdout)).toContain('bye')
      expect(await exited).toEqual([3, null])
    },
  )
})
