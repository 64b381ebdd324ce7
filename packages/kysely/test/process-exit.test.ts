import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startHarness } from './harness.ts'

const { instance } = await startHarness('kysely_exit')
const program = fileURLToPath(new URL('programs/query-and-exit.ts', import.meta.url))

test.concurrent.each([
  'a Kysely that is never used',
  'a Kysely that is destroyed',
  'a Kysely that is destroyed while it dials',
])(
  'a process ends by itself after %s',
  async (way) => {
    const flags = [
      '--conditions=@alloydb/source',
      '--experimental-strip-types',
      '--disable-warning=ExperimentalWarning',
    ]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, program, way], {
      env: { ...process.env, NODE_OPTIONS: '', INSTANCE: instance },
      timeout: 20_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' })
  },
  30_000,
)
