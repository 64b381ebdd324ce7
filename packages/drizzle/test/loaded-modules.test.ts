import { execFile } from 'node:child_process'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// Node.js 22.12 does not tell what it loads.
test.skipIf(!('registerHooks' in nodeModule)).concurrent.each([
  ['index.ts', 'pg', 'postgres'],
  ['postgres-js.ts', 'postgres', 'pg'],
])(
  '%s loads %s, and not %s, which may not be installed',
  async (entry, driver, other) => {
    const program = fileURLToPath(new URL('programs/list-loaded-modules.ts', import.meta.url))
    const args = ['--conditions=@alloydb/source', program, new URL(`../src/${entry}`, import.meta.url).href]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 })
    expect(stdout).toContain(`/node_modules/${driver}/`)
    expect(stdout).not.toContain(`/node_modules/${other}/`)
  },
  30_000,
)
