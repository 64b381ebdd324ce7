import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { runBin, sharedPostgresOption, startBin } from './run-bin.ts'

const TIMEOUT_MS = 30_000
const FREE_PORTS = ['--port', '0', '--admin-port', '0']

describe('alloydb-emulator', { timeout: TIMEOUT_MS }, () => {
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
