import { defineConfig } from 'vitest/config'

/** The app as people use it: real browsers, a real line. Needs a Chromium (TRUNKLINE_CHROMIUM, else /usr/bin/chromium). */
export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: {
    name: 'browser-ai',
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 60_000,
    hookTimeout: 120_000, // the page is built and Chromium started
    fileParallelism: false,
  },
})
