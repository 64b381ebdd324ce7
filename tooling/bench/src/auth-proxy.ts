import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const program = 'alloydb-auth-proxy'
/** The only port that it dials. */
export const serverSideProxyPort = 5433

/** The AlloyDB Auth Proxy, the sidecar that Google offers, in a process of its own. */
export class AuthProxy implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  readonly #process: ChildProcess

  private constructor(port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
  }

  /**
   * Starts it.
   *
   * @returns nothing where it is not on PATH
   */
  static async start(target: { host: string; instance: string }): Promise<AuthProxy | undefined> {
    const port = await findFreePort()
    const child = spawn(
      program,
      [
        `--alloydbadmin-api-endpoint=http://${target.host}`,
        `--port=${port}`,
        '--token=bench',
        '--disable-built-in-telemetry',
        target.instance,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    try {
      await once(child, 'spawn')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const authProxy = new AuthProxy(port, child)
    const output: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text))
    if (await isReady(child.stdout, output)) return authProxy
    await authProxy.stop()
    throw new Error(`The Auth Proxy did not start:\n${output.join('')}`)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Reads on after that, since a full pipe would hold it up. */
function isReady(stdout: Readable, output: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    createInterface(stdout)
      .on('line', (line) => {
        output.push(`${line}\n`)
        if (line.includes('ready for new connections')) resolve(true)
      })
      .once('close', () => resolve(false))
  })
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
