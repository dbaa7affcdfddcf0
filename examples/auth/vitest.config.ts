import { defineConfig } from 'vitest/config'

/** Both issuers and a local line, without any other network. */
export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: { name: 'auth', root: import.meta.dirname, include: ['test/**/*.test.ts'], testTimeout: 30_000 },
})
