import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: { name: 'node-service', root: import.meta.dirname, include: ['test/**/*.test.ts'], testTimeout: 90_000 },
})
