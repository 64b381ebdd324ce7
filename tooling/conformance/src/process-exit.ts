import { expect, test } from 'vitest'
import { runProgram } from './run-program.ts'

/**
 * Tests that a process ends by itself, in each of some ways to use an adapter.
 *
 * @param program does what its first argument names, with the instance that the variable `INSTANCE` names, and prints
 *   "done"
 * @param aliases packages that stand for others
 */
export function testProcessExit(
  program: URL,
  instance: string,
  ways: readonly string[],
  aliases?: Readonly<Record<string, string>>,
): void {
  const versions = aliases === undefined ? '' : `, with ${Object.values(aliases).join(' and ')}`
  test.concurrent.each(ways)(
    `a process ends by itself after %s${versions}`,
    async (way) => {
      const outcome = await runProgram(program, { args: [way], env: { INSTANCE: instance }, aliases })
      expect(outcome).toEqual({ stdout: 'done\n', stderr: '' })
    },
    30_000,
  )
}
