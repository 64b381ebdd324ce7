import assert from 'node:assert/strict'
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runCommand } from '../run-command.ts'
import { root, type PublishedPackage } from './published-packages.ts'

/** Installs a package into an empty folder, as its users do: with npm, from tarballs, and with its peers. */
export async function installAsUser(
  { manifest }: PublishedPackage,
  tarballs: readonly string[],
  directory: string,
): Promise<void> {
  await mkdir(directory)
  await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
  const peers = requiredPeers(manifest).map((name) => `${name}@${manifest.peerDependencies?.[name]}`)
  await runCommand(['npm', 'install', '--no-audit', '--no-fund', ...tarballs, ...peers], { cwd: directory })
}

/**
 * Loads every entry point by `import` and by `require()`, and checks that both give the same names and that nothing is
 * left open.
 */
export async function checkLoads(
  { entryPoints }: PublishedPackage,
  directory: string,
  node: string,
): Promise<void> {
  for (const entryPoint of entryPoints) {
    const path = JSON.stringify(entryPoint)
    const imported = await evaluate(node, directory, printNames(`await import(${path})`))
    const required = await evaluate(node, directory, printNames(`require(${path})`))
    assert.equal(required, imported, `import and require() of ${entryPoint} give different names.`)
    assert.notEqual(imported.trim(), '', `${entryPoint} exports nothing.`)
  }
}

/** Runs the emulator's program beside another one. */
export async function checkRuns(directory: string, program: string, node: string): Promise<void> {
  const words = ['exec', '--', node, '-e', 'console.log(process.env.ALLOYDB_INSTANCE)']
  const stdout = await runCommand([node, join(directory, 'node_modules/.bin', program), ...words], {
    cwd: directory,
  })
  assert.match(stdout, /^projects\/.*\/instances\/.*\n$/)
}

function printNames(load: string): string {
  return `
    const { stdout, stderr } = process // opens both, if they are pipes
    const before = process.getActiveResourcesInfo().sort().join(', ')
    async function main() {
      const names = Object.keys(${load}).filter((name) => !['__esModule', 'module.exports'].includes(name))
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate) // files are still being closed
      const after = process.getActiveResourcesInfo().sort().join(', ')
      if (after !== before) throw new Error('Loading it opened something. Open now: ' + after + '; before: ' + before)
      console.log(names.sort().join(' '))
    }
    main()`
}

/**
 * Checks that a package whose peer is not installed says so, by the peer's name, and before it does anything. Takes each
 * peer away for a moment.
 */
export async function checkMissingPeers({ manifest }: PublishedPackage, directory: string): Promise<void> {
  for (const peer of requiredPeers(manifest)) {
    const installed = join(directory, 'node_modules', peer)
    const away = join(directory, 'away')
    await rename(installed, away)
    try {
      await assert.rejects(
        evaluate(process.execPath, directory, `import(${JSON.stringify(manifest.name)})`),
        ({ message }: Error) => message.includes(`Cannot find package '${peer}' imported from`),
        `It does not say that ${peer} is missing.`,
      )
    } finally {
      await rename(away, installed)
    }
  }
}

function requiredPeers({
  peerDependencies = {},
  peerDependenciesMeta,
}: PublishedPackage['manifest']): string[] {
  return Object.keys(peerDependencies).filter((name) => peerDependenciesMeta?.[name]?.optional !== true)
}

/** Checks that loading a package's main entry point loads its own files and Node.js's modules, and nothing more. */
export async function checkLoadsOnlyItself({ manifest }: PublishedPackage, directory: string): Promise<void> {
  const output = await evaluate(
    process.execPath,
    directory,
    `const urls = []
    require('node:module').registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
    import(${JSON.stringify(manifest.name)}).then(() => console.log(urls.join(' ')))`,
  )
  const loaded = output.trim().split(' ')
  const foreign = loaded.filter(
    (url) => !url.startsWith('node:') && !url.includes(`/node_modules/${manifest.name}/`),
  )
  assert.deepEqual(foreign, [], 'Importing it loads modules that are not its own.')
}

function evaluate(node: string, directory: string, source: string): Promise<string> {
  return runCommand([node, '--input-type=commonjs', '--eval', source], {
    cwd: directory,
    timeoutMs: 20_000,
  })
}

/**
 * Type-checks uses of a package, strictly and into its declarations: as an ES module, and by `require`.
 *
 * @param faulty packages whose own declarations have errors, which are not counted
 */
export async function checkTypes(
  { manifest, entryPoints }: PublishedPackage,
  directory: string,
  faulty: readonly string[] = [],
): Promise<void> {
  const consumer = `${basename(manifest.name)}.ts`
  await copyFile(join(root, 'tooling/consumers', consumer), join(directory, consumer))
  const imports = entryPoints.map((path, index) => [
    `import entryPoint${index} = require('${path}')`,
    `export const names${index}: (keyof typeof entryPoint${index})[] = []`,
  ])
  await writeFile(join(directory, 'require.cts'), `${imports.flat().join('\n')}\n`)
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: [consumer, 'require.cts'],
    }),
  )
  await runCommand([join(root, 'node_modules/.bin/tsc'), '-p', '.'], { cwd: directory }).catch(
    (error: unknown) => {
      const problems = String(error).match(/^\S.*: error TS\d+:/gm) ?? []
      const areOthers = problems.every((problem) =>
        faulty.some((name) => problem.startsWith(`node_modules/${name}/`)),
      )
      if (problems.length === 0 || !areOthers) throw error
    },
  )
}
