import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Commands, ResultMessage } from './program.ts'

const stopTimeoutMs = 5_000

interface Call {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** A program of `src/programs` that runs in a process of its own, and ends with this one, however this one ends. */
export class ChildProgram<C extends Commands> implements AsyncDisposable {
  readonly #name: string
  readonly #process: ChildProcess
  readonly #calls = new Map<number, Call>()
  #nextId = 1
  #errorOutput = ''
  #stopping = false

  /** @param name the file's name in `src/programs`, without its ending */
  constructor(
    name: string,
    options: { readonly nodeOptions?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    this.#name = name
    this.#process = fork(new URL(`programs/${name}.ts`, import.meta.url), {
      execArgv: [...(options.nodeOptions ?? [])],
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      serialization: 'advanced', // JSON has no infinite numbers
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errorOutput += text))
    this.#process.on('message', (message: ResultMessage) => this.#settle(message))
    this.#process.on('error', (error) => this.#fail(error))
    this.#process.once('close', (code, signal) => this.#onClose(code ?? signal))
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Has the program carry out a command, and gives its result. */
  call<Name extends keyof C & string>(
    name: Name,
    ...[argument]: Parameters<C[Name]>
  ): Promise<Awaited<ReturnType<C[Name]>>> {
    return new Promise<unknown>((resolve, reject) => {
      const id = this.#nextId++
      this.#calls.set(id, { resolve, reject })
      this.#process.send(
        { id, name, argument },
        (error) => error && this.#settle({ id, failure: error.message }),
      )
    }) as Promise<Awaited<ReturnType<C[Name]>>>
  }

  /** Ends the program, and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const closed = once(this.#process, 'exit')
    if (this.#process.connected) this.#process.disconnect()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), stopTimeoutMs)
    await closed
    clearTimeout(timer)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #settle({ id, result, failure }: ResultMessage): void {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (failure === undefined) call?.resolve(result)
    else call?.reject(new Error(`The program "${this.#name}" failed: ${failure}`))
  }

  #onClose(how: number | string | null): void {
    const output = this.#errorOutput.trim()
    if (!this.#stopping && output !== '') process.stderr.write(`${output}\n`)
    this.#fail(new Error(`The program "${this.#name}" ended (${how}) before it was told to.`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
  }
}
