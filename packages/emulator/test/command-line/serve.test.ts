import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { knowsUsing, runBin, sharedPostgresOption, startBin, startBinInGroup } from './run-bin.ts'

const TIMEOUT_MS = 30_000
const FREE_PORTS = ['--port', '0', '--admin-port', '0']

describe.runIf(knowsUsing)('alloydb-emulator', { timeout: TIMEOUT_MS }, () => {
  test('says what is running, logs connections, and leaves nothing when it is told to end', async () => {
    const child = startBin('--json', '--database', 'shop', ...FREE_PORTS)
    const exited = once(child, 'exit')
    const log = text(child.stderr)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const ready = JSON.parse(String(line))
    expect(ready).toMatchObject({
      host: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      serviceAccount: 'app@emulator.iam.gserviceaccount.com',
      database: 'shop',
      instances: [
        {
          uri: 'projects/emulator/locations/local/clusters/main/instances/primary',
          instanceType: 'PRIMARY',
          privateIpAddress: '127.0.0.1',
          port: expect.any(Number),
        },
      ],
    })
    const socketDirectory = new URL(ready.instances[0].postgresUrl.replace('@/', '@x/')).searchParams.get(
      'host',
    )!
    expect([existsSync(socketDirectory), existsSync(ready.serviceAccountFile)]).toEqual([true, true])
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(await log).toBe('')
    expect([existsSync(socketDirectory), existsSync(dirname(ready.serviceAccountFile))]).toEqual([
      false,
      false,
    ])
  })

  test('says which port is taken, and how to choose another', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    expect(await runBin('--port=0', `--admin-port=${port}`, sharedPostgresOption())).toEqual({
      code: 1,
      stdout: '',
      stderr: `alloydb-emulator: Port ${port} of 127.0.0.1 is taken; perhaps another emulator is running.
Choose another one by the option adminPort (on the command line: --admin-port), or 0 for a free one.
`,
    })
    // Where PostgreSQL's own start would come first, it would leave a trace in the directory.
    const directory = mkdtempSync(join(tmpdir(), 'test-'))
    const words = [`--port=${port}`, '--admin-port=0', '--data-dir', directory]
    expect(await runBin(...words)).toEqual({
      code: 1,
      stdout: '',
      stderr: `alloydb-emulator: Port ${port} of 127.0.0.1 is taken; perhaps another emulator is running.
Choose another one by the option port (on the command line: --port), or 0 for a free one.
`,
    })
    expect(readdirSync(directory)).not.toContain('clusters')
    rmSync(directory, { recursive: true })
    taken.close()
  })

  test('ends when it is told to, also where its start comes to no end', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const child = startBin(...FREE_PORTS, `--postgres=postgres://me:secret@127.0.0.1:${port}/db`)
    const exited = once(child, 'exit')
    const [socket] = (await once(silent, 'connection')) as [Socket]
    socket.on('error', () => {})
    child.kill('SIGTERM')
    expect(await exited).toEqual([143, null])
    silent.close()
  })

  test('ends without a word and leaves nothing where Ctrl-C comes while PostgreSQL is set up', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'test-'))
    chmodSync(directory, 0o777)
    const { child, pressCtrlC } = startBinInGroup({ TMPDIR: directory }, ...FREE_PORTS)
    const [exited, stdout, stderr] = [once(child, 'exit'), text(child.stdout), text(child.stderr)]
    const isBeingSetUp = (): boolean =>
      readdirSync(directory).some((name) => existsSync(join(directory, name, 'data', 'PG_VERSION')))
    await expect.poll(isBeingSetUp, { interval: 5, timeout: 20_000 }).toBe(true)
    pressCtrlC()
    expect([await stdout, await stderr, await exited]).toEqual(['', '', [130, null]])
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  })

  test('ends with 1 where its PostgreSQL dies, and says so with the end of the log', async () => {
    const child = startBin('--json', ...FREE_PORTS)
    const [exited, stderr] = [once(child, 'exit'), text(child.stderr)]
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { postgresUrl } = JSON.parse(String(line)).instances[0]
    const directory = new URL(postgresUrl.replace('@/', '@x/')).searchParams.get('host')!
    process.kill(
      Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10),
      'SIGKILL',
    )
    expect(await exited).toEqual([1, null])
    expect(await stderr).toMatch(
      /^alloydb-emulator: The PostgreSQL of projects\/emulator\/locations\/local\/clusters\/main has ended by itself, with SIGKILL\. The end of its log:\n {2}.*ready to accept connections\n/s,
    )
    expect(existsSync(directory)).toBe(false)
  })

  test('goes on where nobody reads what it says any more', async () => {
    const child = startBin(...FREE_PORTS, '--json', sharedPostgresOption())
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { host, instances } = JSON.parse(String(line))
    child.stderr.destroy()
    child.stdout.destroy()
    const exited = once(child, 'exit')
    // Each connection is logged, and nobody reads that.
    for (let connections = 0; connections < 3; connections++) {
      const socket = connect(instances[0].port, '127.0.0.1').end()
      await once(socket.resume(), 'close')
    }
    expect((await fetch(`http://${host}/emulator/ca.pem`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  test('ends with 2 where it was called wrongly', async () => {
    expect(await runBin('--frobnicate')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'alloydb-emulator: Unknown option "--frobnicate".\nSee alloydb-emulator --help.\n',
    })
  })
})
