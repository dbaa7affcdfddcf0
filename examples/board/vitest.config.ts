import { defineConfig } from 'vitest/config'

/** The board's own parts, without a browser. */
export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: { name: 'board', root: import.meta.dirname, include: ['src/**/*.test.ts'] },
})
