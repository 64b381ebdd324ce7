import { inspect } from 'node:util'

/** What a program can be told to do, by name. Arguments and results travel as messages between processes. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>

/** One command, from the process that has started the program. */
interface CommandMessage {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

/** What came of it. */
export interface ResultMessage {
  readonly id: number
  readonly result?: unknown
  /** Why it failed, as text. */
  readonly failure?: string
}

/**
 * Carries out the commands of the process that has started this one, and ends with it, however that ends.
 *
 * @param stop ends what the commands have started
 */
export function serve(commands: Commands, stop: () => Promise<unknown> = async () => {}): void {
  // Ctrl-C reaches the whole group of processes; the first of them says when to end.
  process.on('SIGINT', () => {})
  process.once('disconnect', () => void stop().finally(() => process.exit()))
  process.on('message', ({ id, name, argument }: CommandMessage) => {
    const run = async (): Promise<unknown> => commands[name]?.(argument as never)
    run().then(
      (result) => process.send?.({ id, result } satisfies ResultMessage),
      (error: unknown) => process.send?.({ id, failure: inspect(error) } satisfies ResultMessage),
    )
  })
}
