import { defineConfig } from 'vitest/config'
export default defineConfig({
  ssr: {
    resolve: {
      conditions: ['@alloydb/source', 'node', 'module-sync', 'default'],
      externalConditions: ['@alloydb/source', 'node', 'module-sync', 'default'],
    },
  },
  test: {
    name: 'pg',
    include: ['test/**/*.test.ts'],
    globalSetup: ['../../tooling/testing/shared-postgres.ts'],
  },
})
