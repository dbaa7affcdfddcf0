import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: { name: 'cursors', root: import.meta.dirname, include: ['src/**/*.test.ts'], testTimeout: 30_000 },
})
