import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { secret } from '../../../tooling/testing/secrets.ts'
import { startHarness } from './harness.ts'

const { emulator } = await startHarness()

/** Runs one of the programs beside this file, in a process of its own that has ten seconds to end. */
async function run(
  program: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Record<'stdout' | 'stderr', string>> {
  return promisify(execFile)(
    process.execPath,
    [
      '--conditions=@alloydb/source',
      '--experimental-strip-types',
      '--disable-warning=ExperimentalWarning',
      `${import.meta.dirname}/programs/${program}`,
      ...args,
    ],
    {
      timeout: 10_000,
      env: { ...process.env, ALLOYDB_EMULATOR_HOST: emulator.host, INSTANCE: emulator.instance, ...env },
    },
  )
}

test('importing core opens nothing, and loads no credentials library', async () => {
  const { before, after, loaded } = JSON.parse((await run('import.ts')).stdout) as Record<string, string[]>
  expect(after).toEqual(before)
  expect(loaded).toEqual([])
})

describe('a process ends by itself after', () => {
  test.each([
    ['a connector that was never used'],
    ['a connector that is left open, with background refresh'],
    ['a connector that is left open, with lazy refresh'],
    ['a connector that is closed'],
    ['a connector whose connect fails'],
    ['a connector that is closed while it connects'],
    ['several connectors'],
    ['a worker thread with a connector of its own'],
    ['a forked process with a connector of its own'],
  ])('%s', async (way) => {
    expect((await run('connect-and-exit.ts', [way])).stdout).toMatch(/^(done\n)+$/)
  })
})

test('NODE_DEBUG=alloydb tells what happens, and no secret', async () => {
  const { stderr } = await run('connect-and-exit.ts', ['a connector that is closed'], {
    NODE_DEBUG: 'alloydb',
  })
  for (const line of [
    `dial ${emulator.instance}: start, ipType PRIVATE, authType PASSWORD`,
    `cache ${emulator.instance}: add`,
    `refresh ${emulator.instance}: start`,
    `refresh ${emulator.instance}: done, certificate expires 20`,
    `refresh ${emulator.instance}: next in `,
    `dial ${emulator.instance}: TLS and exchange OK, ipType PRIVATE, authType PASSWORD, 127.0.0.1 port `,
    `cache ${emulator.instance}: remove`,
  ]) {
    expect(stderr).toContain(line)
  }
  expect(stderr).not.toMatch(secret)
})
