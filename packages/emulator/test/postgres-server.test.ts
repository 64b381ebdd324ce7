import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startPostgres } from '../src/index.ts'
import { locatePostgresBinaries } from '../src/postgres-binaries.ts'

vi.setConfig({ testTimeout: 30_000 }) // starting PostgreSQL takes a busy machine a while

const source = fileURLToPath(new URL('../src/index.ts', import.meta.url))

// A temporary directory of its own for each test, so that other test files' emulators don't count.
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'test-'))
  chmodSync(directory, 0o777)
  process.env['TMPDIR'] = directory
})
afterEach(() => {
  delete process.env['TMPDIR']
  rmSync(directory, { recursive: true, force: true })
})
const left = (): string[] => readdirSync(directory).filter((name) => name.startsWith('alloydb-emulator-'))

/** Whether the process is there, and no zombie that nobody has asked for yet. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false
  return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

test('a server runs in a private directory, and stop() leaves neither process nor directory', async () => {
  const postgres = await startPostgres()
  expect(left()).toHaveLength(1)
  expect(isRunning(postgres.pid)).toBe(true)
  expect(postgres.log()).toContain('ready to accept connections')
  await Promise.all([postgres.stop(), postgres.stop()])
  expect(isRunning(postgres.pid)).toBe(false)
  expect(left()).toEqual([])
})

const binaries = await locatePostgresBinaries()
/** Whether root starts the tests, from where every user may read them. */
const isOpenToNobody = spawnSync(binaries.postgres, ['--version'], { uid: 65534, gid: 65534 }).status === 0

// Containers forbid namespaces.
test.runIf(isOpenToNobody)(
  'started by root, a server runs as nobody, in no namespace of its own',
  async () => {
    const postgres = await startPostgres()
    const status = readFileSync(`/proc/${postgres.pid}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\s+65534\s/m)
    const namespace = readlinkSync(`/proc/${postgres.pid}/ns/user`)
    await postgres.stop()
    expect(namespace).toBe(readlinkSync('/proc/self/ns/user'))
  },
)

describe.runIf(process.platform === 'linux')('a process that is killed', () => {
  const program = `
    import { startEmulator, startPostgres } from ${JSON.stringify(source)}
    const postgres = await startPostgres()
    await startEmulator({ postgres })
    console.log(postgres.pid)
  `
  const start = async (...prefix: string[]): Promise<{ kill(): Promise<void>; postgres: number }> => {
    const flags = [
      '--experimental-strip-types',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
    ]
    const [command, ...args] = [...prefix, process.execPath, ...flags, '-e', program]
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return {
      postgres: Number(String(line)),
      async kill() {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  test('leaves neither PostgreSQL nor its directory', async () => {
    const child = await start()
    expect(isRunning(child.postgres)).toBe(true)
    await child.kill()
    await expect.poll(() => isRunning(child.postgres), { timeout: 5000 }).toBe(false)
    await expect.poll(left, { timeout: 5000 }).toEqual([])
  })

  const canChange = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0
  test.runIf(canChange).each([
    ['one with an account', 1],
    ['one without, as in some containers', 12345],
  ])('need not be root: %s', async (_case, uid) => {
    const child = await start('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups')
    expect(readFileSync(`/proc/${child.postgres}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\t${uid}\t`, 'm'))
    await child.kill()
    await expect.poll(() => isRunning(child.postgres), { timeout: 5000 }).toBe(false)
    await expect.poll(left, { timeout: 5000 }).toEqual([])
  })
})

test('a start takes no notice of PGPORT', async () => {
  vi.stubEnv('PGPORT', '6543')
  await (await startPostgres()).stop()
})

test('a start sweeps what dead processes have left, and nothing else', async () => {
  const alive = await startPostgres()
  const orphan = join(directory, 'alloydb-emulator-orphan')
  const newborn = join(directory, 'alloydb-emulator-newborn')
  const unrelated = join(directory, 'unrelated')
  const foreign = join(directory, 'alloydb-emulator-data') // somebody's, who has named it so
  for (const path of [orphan, newborn, unrelated, foreign]) mkdirSync(path)
  writeFileSync(join(foreign, 'treasure'), '')
  const old = Date.now() / 1000 - 3600
  for (const path of [orphan, unrelated, foreign]) utimesSync(path, old, old)
  const abandoned = join(directory, 'alloydb-emulator-abandoned')
  mkdirSync(abandoned)
  const socket = join(abandoned, 'owner.sock')
  const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', listen])
  expect(existsSync(socket)).toBe(true)

  const next = await startPostgres()
  expect([orphan, abandoned].map((path) => existsSync(path))).toEqual([false, false])
  const kept = [newborn, unrelated, join(foreign, 'treasure'), dirname(alive.socketPath)]
  expect(kept.filter((path) => !existsSync(path))).toEqual([])
  await Promise.all([alive.stop(), next.stop()])
})
