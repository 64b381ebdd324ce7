import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Tests run on the packages' sources: `@alloydb/source` is the export condition that leads to them.
const conditions = ['@alloydb/source', 'node', 'module-sync', 'default']

const shared = ['shared-postgres.ts', 'shared-key-pair.ts'].map((name) =>
  join(import.meta.dirname, 'tooling/testing', name),
)

const packages = readdirSync(new URL('packages', import.meta.url)).map((name) => `packages/${name}`)
const projects = [...packages, 'tooling/libraries', 'tooling/bench']

// Tests are the same wherever they run: what leads drivers, connectors or credentials elsewhere is not for them.
const isOfMachine =
  /^(?:PG|ALLOYDB_|GOOGLE_|GCLOUD_|CLOUDSDK_|GCE_|K_SERVICE$|FUNCTION_TARGET$|AWS_LAMBDA_FUNCTION_NAME$|VERCEL$|NODE_DEBUG$)/
for (const name of Object.keys(process.env)) if (isOfMachine.test(name)) delete process.env[name]

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ['default', join(import.meta.dirname, 'tooling/testing/secret-reporter.ts')],
    globalSetup: shared,
    maxWorkers: '100%', // left to itself, Vitest keeps a core free, which of two is half
    projects: projects.map((root) => ({
      extends: true,
      test: {
        name: basename(root),
        root: `./${root}`,
        include: ['test/**/*.test.ts'],
      },
    })),
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'], // of each package
      reporter: ['text', 'json-summary'],
    },
  },
})
