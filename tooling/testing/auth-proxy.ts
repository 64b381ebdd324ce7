import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { findFreePort } from './free-ports.ts'

interface AuthProxyOptions {
  /** Where the Admin API is, as `host:port`. */
  host: string
  instance: string
  /** Beside those that lead it to the instance. */
  flags?: readonly string[]
  /** Defaults to the one that is on PATH. */
  program?: string
  /** Defaults to this process's. */
  env?: NodeJS.ProcessEnv
}

/** The AlloyDB Auth Proxy, the sidecar that Google offers, in a process of its own. */
export class AuthProxy implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  readonly #process: ChildProcess
  readonly #output: readonly string[]

  private constructor(port: number, process: ChildProcess, output: readonly string[]) {
    this.port = port
    this.#process = process
    this.#output = output
  }

  /** @throws Error with the code ENOENT where there is no such program */
  static async start({
    host,
    instance,
    flags = [],
    program = 'alloydb-auth-proxy',
    env,
  }: AuthProxyOptions): Promise<AuthProxy> {
    const port = await findFreePort()
    const child = spawn(
      program,
      [
        `--alloydbadmin-api-endpoint=http://${host}`,
        `--port=${port}`,
        '--disable-built-in-telemetry',
        ...flags,
        instance,
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    await once(child, 'spawn')
    const output: string[] = []
    const authProxy = new AuthProxy(port, child, output)
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text))
    if (await isReady(child.stdout, output)) return authProxy
    await authProxy.stop()
    throw new Error(`The Auth Proxy did not start:\n${authProxy.log}`)
  }

  /** All that it has said. */
  get log(): string {
    return this.#output.join('')
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
