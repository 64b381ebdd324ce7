import { Connector } from '../../src/index.ts'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env

const ways: Record<string, () => Promise<void>> = {
  async 'a connector that was never used'() {
    new Connector()
  },
  async 'a connector that is left open, with background refresh'() {
    const connector = new Connector({ refreshStrategy: 'background' })
    ;(await connector.connect(instance)).destroy()
  },
  async 'a connector that is left open, with lazy refresh'() {
    const connector = new Connector({ refreshStrategy: 'lazy' })
    ;(await connector.connect(instance)).destroy()
  },
  async 'a connector that is closed'() {
    const connector = new Connector()
    ;(await connector.connect(instance)).destroy()
    await connector.close()
  },
  async 'a connector whose connect fails'() {
    await new Connector().connect('projects/p/locations/r/clusters/c/instances/none').catch(() => {})
  },
  async 'a connector that is closed while it connects'() {
    const connector = new Connector()
    const connecting = connector.connect(instance).catch(() => {})
    await connector.close()
    await connecting
  },
  async 'several connectors'() {
    const connectors = [new Connector(), new Connector({ refreshStrategy: 'lazy' })]
    const sockets = await Promise.all(connectors.map((connector) => connector.connect(instance)))
    for (const socket of sockets) socket.destroy()
    await Promise.all(connectors.map((connector) => connector.close()))
  },
  async 'a worker thread with a connector of its own'() {
    const { Worker } = await import('node:worker_threads')
    const worker = new Worker(new URL(import.meta.url), { argv: ['a connector that is closed'] })
    const [code] = await new Promise<[number]>((resolve) => worker.once('exit', (code) => resolve([code])))
    if (code !== 0) throw new Error(`the worker ended with ${code}`)
  },
  async 'a forked process with a connector of its own'() {
    const { fork } = await import('node:child_process')
    const child = fork(new URL(import.meta.url), ['a connector that is closed'], { stdio: 'ignore' })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    if (code !== 0) throw new Error(`the child ended with ${String(code)}`)
  },
}
const way = ways[process.argv[2] ?? '']
if (way === undefined) throw new Error(`There is no way "${process.argv[2]}".`)
await way()
console.log('done')
