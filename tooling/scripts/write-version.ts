// Writes the version in packages/core/package.json into its source; `pnpm version-packages` runs it. That the two are
// equal is tested in packages/core/test/version.test.ts.
import { readFileSync, writeFileSync } from 'node:fs'

const core = new URL('../../packages/core/', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', core), 'utf8')) as { version: string }
const source = new URL('src/version.ts', core)
const before = readFileSync(source, 'utf8')
const after = before.replace(/^export const version = '.*'$/m, `export const version = '${version}'`)
if (!after.includes(`'${version}'`)) throw new Error(`${source.pathname} declares no "version".`)
writeFileSync(source, after)
console.log(`packages/core/src/version.ts: ${version}`)
