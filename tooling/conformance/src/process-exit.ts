import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/**
 * Tests that a process ends by itself, in each of some ways to use an adapter.
 *
 * @param program does what its first argument names, with the instance that the variable `INSTANCE` names, and prints
 *   "done"
 */
export function testProcessExit(program: URL, instance: string, ways: readonly string[]): void {
  const flags = [
    '--conditions=@alloydb/source',
    '--experimental-strip-types',
    '--disable-warning=ExperimentalWarning',
  ]
  test.concurrent.each(ways)(
    'a process ends by itself after %s',
    async (way) => {
      const args = [...flags, fileURLToPath(program), way]
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
        env: { ...process.env, NODE_OPTIONS: '', INSTANCE: instance },
        timeout: 20_000,
      })
      expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' })
    },
    30_000,
  )
}
