// Checks each published package as its users get it: packs it, looks into the tarball, installs it into an empty folder,
// loads it on several Node.js versions, and type-checks a program that uses it. Build the packages first.
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { inspect } from 'node:util'
import {
  checkLoads,
  checkLoadsOnlyItself,
  checkMissingPeers,
  checkRuns,
  checkTypes,
  installAsUser,
} from './package-checks/consumer.ts'
import { fetchNodeVersions, type NodeVersion } from './package-checks/node-versions.ts'
import {
  findPublishedPackages,
  withDependencies,
  type PublishedPackage,
} from './package-checks/published-packages.ts'
import { checkContents, checkManifest, pack, runPublint, runTypesWrong } from './package-checks/tarball.ts'

/** Packages that load nothing of others when they are imported, but only when it is needed. */
const loadsOnlyItself = ['@alloydb/core']

/**
 * Packages of others whose own declarations have errors where libraries are checked: they name drivers that are not installed,
 * among others. Their users set `skipLibCheck`. What ours declare and what users write is checked all the same.
 */
const faultyDeclarations = ['drizzle-orm']

let failures = 0

/** Does one check and prints a line about it. Returns whether it passed. */
async function check(what: string, work: () => Promise<unknown>, whatToDo: string): Promise<boolean> {
  const startedAt = performance.now()
  const error: unknown = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  const time = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(`  ${error === undefined ? 'ok  ' : 'FAIL'}  ${what.padEnd(88)} ${time.padStart(8)}`)
  if (error === undefined) return true
  failures += 1
  const message = error instanceof Error ? error.message : inspect(error)
  console.log(`\n${message.trim().replaceAll(/^/gm, '        ')}\n\n        What to do: ${whatToDo}\n`)
  return false
}

async function packAll(all: readonly PublishedPackage[], directory: string): Promise<Map<string, string>> {
  const tarballs = new Map<string, string>()
  for (const published of all) {
    const { name } = published.manifest
    await check(
      `pack ${name}`,
      async () => tarballs.set(name, await pack(published, directory)),
      'Build first (pnpm build), and run "pnpm pack" in the package.',
    )
  }
  return tarballs
}

async function checkTarball(tarball: string): Promise<void> {
  await check(
    'the tarball has dist, src, README.md, LICENSE and what its manifest adds, alone',
    () => checkContents(tarball),
    'See "files" in package.json; for old files in dist, remove dist and build again.',
  )
  await check(
    'package.json in the tarball is free of what only this repository knows',
    () => checkManifest(tarball),
    'Let publishConfig.exports repeat exports without the condition "@alloydb/source".',
  )
  await check('publint', () => runPublint(tarball), 'See https://publint.dev/rules.')
  await check('attw, ES modules only', () => runTypesWrong(tarball), 'See exports in package.json.')
}

async function checkInstalled(
  published: PublishedPackage,
  tarballs: readonly string[],
  directory: string,
  nodes: readonly NodeVersion[],
): Promise<void> {
  const { name } = published.manifest
  const installed = await check(
    'npm install into an empty folder',
    () => installAsUser(published, tarballs, directory),
    'See its dependencies and peerDependencies.',
  )
  if (!installed) return
  for (const { version, path } of nodes) {
    await check(
      `import and require() on Node.js ${version}: ${published.entryPoints.join(', ')}`,
      () => checkLoads(published, directory, path),
      'Importing must do no I/O, need no top-level await, and use what Node.js 22.12 has.',
    )
  }
  for (const program of Object.keys(published.manifest.bin ?? {})) {
    for (const { version, path } of nodes) {
      await check(
        `${program} exec on Node.js ${version}`,
        () => checkRuns(directory, program, path),
        'What is built must run on Node.js 22.12.',
      )
    }
  }
  if (loadsOnlyItself.includes(name)) {
    await check(
      'importing it loads none of its dependencies',
      () => checkLoadsOnlyItself(published, directory),
      'Import the dependency where it is used, with "await import()".',
    )
  }
  if (published.manifest.peerDependencies !== undefined) {
    await check(
      'without a peer, importing it names the peer',
      () => checkMissingPeers(published, directory),
      'Import the peer where the package is loaded, by its own name.',
    )
  }
  await check(
    "strict types, in a user's program (import and require)",
    () => checkTypes(published, directory, faultyDeclarations),
    `Its declarations must be free of errors with the newest @types/node; the program is tooling/consumers/${basename(name)}.ts.`,
  )
}

async function checkAll(directory: string): Promise<void> {
  const all = findPublishedPackages()
  console.log('\nPackages')
  const tarballs = await packAll(all, directory)
  let nodes: readonly NodeVersion[] = []
  const fetched = await check(
    'fetch the Node.js versions to check on',
    async () => (nodes = await fetchNodeVersions(directory)),
    'See versions in tooling/scripts/package-checks/node-versions.ts.',
  )
  if (fetched && nodes.length === 1) {
    console.log(`        On this platform: the running Node.js alone, ${process.versions.node}.`)
  }
  for (const published of all) {
    const { name } = published.manifest
    console.log(`\n${name}`)
    const needed = withDependencies(published, all).map(({ manifest }) => tarballs.get(manifest.name))
    const [tarball, ...others] = needed.filter((path) => path !== undefined)
    if (tarball === undefined || others.length + 1 < needed.length) continue
    await checkTarball(tarball)
    await checkInstalled(published, [tarball, ...others], join(directory, basename(name)), nodes)
  }
}

const directory = await realpath(await mkdtemp(join(tmpdir(), 'alloydb-packages-')))
try {
  await checkAll(directory)
} finally {
  await rm(directory, { recursive: true, force: true })
}
console.log(
  failures === 0 ? '\nAll packages are as users need them.\n' : `\nChecks that failed: ${failures}\n`,
)
if (failures > 0) process.exitCode = 1
