import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url))
const FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']

function start(...words: string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  return spawn(process.execPath, [...FLAGS, bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(...words)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, stdout, stderr }
}

describe('alloydb-emulator exec', () => {
  test('gives the program what it needs, and has its exit code', async () => {
    const uri = (name: string): string => `projects/p/locations/r/clusters/c/instances/${name}`
    const print = `
      const { ALLOYDB_EMULATOR_HOST, ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE, PGUSER, PGPASSWORD, PGDATABASE } = process.env
      const got = [ALLOYDB_INSTANCE, ALLOYDB_READ_POOL_INSTANCE, PGUSER, PGPASSWORD, PGDATABASE]
      const path = '/computeMetadata/v1/instance/service-accounts/default/email'
      const email = await fetch('http://' + ALLOYDB_EMULATOR_HOST + path, { headers: { 'metadata-flavor': 'Google' } })
      console.log(JSON.stringify([...got, await email.text(), process.argv.slice(1)]))
      process.exit(7)
    `
    const options = ['--read-pool', uri('pool'), '--instance', uri('primary')]
    const program = ['--', process.execPath, '--input-type=module', '-e', print, '--', '--json', 'x y']
    const { code, stdout, stderr } = await run('exec', ...options, ...program)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      uri('primary'),
      uri('pool'),
      'postgres',
      'postgres',
      'postgres',
      'app@p.iam.gserviceaccount.com',
      ['--json', 'x y'],
    ])
    expect(code).toBe(7)
  })

  test('says as shells do that a program was not found, or ended by a signal', async () => {
    const [missing, killed] = await Promise.all([
      run('exec', '--', 'no-such-program'),
      run('exec', '--', 'sh', '-c', 'kill -KILL $$'),
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
      const wait = `process.on('${signal}', () => { console.log('bye'); process.exit(3) }); console.log('ready'); setInterval(() => {}, 1000)`
      const child = start('exec', '--', process.execPath, '-e', wait)
      const exited = once(child, 'exit')
      await once(child.stdout, 'data')
      child.kill(signal)
      expect(await text(child.stdout)).toContain('bye')
      expect(await exited).toEqual([3, null])
    },
  )
})

test.each([
  [['--frobnicate'], 'Unknown option "--frobnicate".'],
  [['frobnicate'], 'Unknown command "frobnicate".'],
  [['exec', '--instance'], '--instance needs a value: --instance <uri>'],
  [['exec', '--instance', '--help'], '--instance needs a value: --instance <uri>'],
  [['exec', 'npm', 'test'], 'Write the program to run after "--": alloydb-emulator exec -- npm test'],
])('%j is an error that says what to do', async (words, message) => {
  expect(await run(...words)).toEqual({
    code: 2,
    stdout: '',
    stderr: `alloydb-emulator: ${message}\nSee alloydb-emulator --help.\n`,
  })
})
