import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startHarness } from './harness.ts'

const { instance } = await startHarness()
const program = fileURLToPath(new URL('programs/query-and-exit.ts', import.meta.url))

test.concurrent.each([
  'a pool that is ended',
  'a pool that is ended while it dials',
  'a pool whose end runs out of time',
  'a pool whose end runs out of time while it dials',
  'a pool that cannot connect',
  'a pool that closes its idle connections',
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
