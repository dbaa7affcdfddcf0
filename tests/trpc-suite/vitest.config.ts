import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const suite = join(import.meta.dirname, 'suite')

/** tRPC's own WebSocket tests, which `scripts/trpc-suite.mjs` puts into `suite`. */
export default defineConfig({
  resolve: {
    conditions: ['trunkline-source'],
    alias: {
      '@trpc/client/__tests__/testClientResource': join(import.meta.dirname, 'line-resource.ts'),
      '@trpc/server/__tests__/waitError': join(suite, 'waitError.ts'),
      '@testing-library/react': join(import.meta.dirname, 'line-resource.ts'), // imported for its effects on a DOM, which is not there
    },
  },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: {
    name: 'trpc-suite',
    root: suite,
    include: ['*.test.ts'],
    globals: true,
    restoreMocks: true,
    snapshotFormat: { printBasicPrototype: true },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    dangerouslyIgnoreUnhandledErrors: true, // the suite leaves sockets behind that never opened
  },
})
