// Imports core and does nothing: tells what that has opened and loaded.
process.stdout.write('') // opens itself at its first use
process.stderr.write('')
const before = process.getActiveResourcesInfo().toSorted()
await import('../../src/index.ts')
await import('../../src/adapter.ts')
const after = process.getActiveResourcesInfo().toSorted()
const { default: module } = await import('node:module')
const loaded = Object.keys(module.createRequire(import.meta.url).cache)
console.log(
  JSON.stringify({ before, after, loaded: loaded.filter((file) => file.includes('google-auth-library')) }),
)
