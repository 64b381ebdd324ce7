// Uses the built packages on every runtime that they are for: Node.js, from the oldest that is supported on, Bun and Deno.
// With --quick, only by a program; else the tests of pg and postgres.js run on each Node.js as well.
import { startEmulator, type Emulator } from '@alloydb/emulator'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fetchNodeVersions } from '../../scripts/package-checks/node-versions.ts'
import { root } from '../../scripts/package-checks/published-packages.ts'
import { runCommand } from '../../scripts/run-command.ts'

/** A way to run a TypeScript program. */
interface Runtime {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

/** What Bun and Deno are in, for this platform: packages that hold the binary alone, and run no script. */
const others = [
  {
    name: 'Bun',
    spec: '@oven/bun-linux-x64@1.4.5',
    binary: '@oven/bun-linux-x64/bin/bun',
    flags: ['run', '--no-install'],
  },
  {
    name: 'Deno',
    spec: '@deno/linux-x64-glibc@2.9.6',
    binary: '@deno/linux-x64-glibc/deno',
    flags: ['run', '--allow-all', '--node-modules-dir=manual'],
  },
]

async function fetchOthers(): Promise<Runtime[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return []
  const directory = join(root, 'node_modules/.cache/runtimes')
  return Promise.all(
    others.map(async ({ name, spec, binary, flags }) => {
      const prefix = join(directory, spec.replaceAll('/', '-'))
      const path = join(prefix, 'node_modules', binary)
      if (!existsSync(path)) {
        const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
        await runCommand(['npm', 'install', '--prefix', prefix, ...flags, spec], { cwd: root })
      }
      return { name: `${name} ${spec.split('@').at(-1)}`, command: [path, ...flags] }
    }),
  )
}

async function runProgram({ command }: Runtime, { env, instance }: Emulator): Promise<void> {
  const program = join(import.meta.dirname, 'program.ts')
  const output = await runCommand([...command, program], {
    cwd: join(import.meta.dirname, '..'),
    timeoutMs: 30_000,
    env: { ...env, ALLOYDB_INSTANCE: instance },
  })
  if (output !== 'done\n') throw new Error(`It printed:\n${output}`)
}

async function runTests({ command: [node, ...flags] }: Runtime): Promise<void> {
  await runCommand([node, join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...projects], {
    cwd: root,
    timeoutMs: 300_000,
    env: { NODE_OPTIONS: flags.join(' ') }, // some tests start TypeScript programs
  })
}

const projects = ['--project=pg', '--project=postgres-js']

/** Does one check and prints a line about it. */
async function check(what: string, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  try {
    await work()
    console.log(
      `  ok    ${what.padEnd(60)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`,
    )
  } catch (error) {
    console.log(`  FAIL  ${what}\n\n${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values
const nodes: Runtime[] = (await fetchNodeVersions(root)).map(({ version, path }) => ({
  name: `Node.js ${version}`,
  command: [path, '--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
}))

await using emulator = await startEmulator()
for (const runtime of [...nodes, ...(await fetchOthers())]) {
  await check(`a program that uses pg and postgres.js, on ${runtime.name}`, () =>
    runProgram(runtime, emulator),
  )
}
for (const node of quick ? [] : nodes) {
  await check(`the tests of pg and postgres.js, on ${node.name}`, () => runTests(node))
}
