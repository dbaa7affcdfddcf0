import { defineConfig } from 'vitest/config'

/** The app's own parts, without a browser. */
export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: { name: 'ai', root: import.meta.dirname, include: ['src/**/*.test.ts'], testTimeout: 60_000 },
})
