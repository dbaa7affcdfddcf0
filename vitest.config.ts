import { defineConfig } from 'vitest/config'

const packages = ['protocol', 'server', 'client', 'local', 'simulator']

export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    projects: [
      ...packages.map((name) => ({
        extends: true as const,
        test: {
          name,
          root: `packages/${name}`,
          include: ['src/**/*.test.ts'],
          testTimeout: 20_000,
        },
      })),
      {
        extends: true as const,
        test: {
          name: 'repository',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/packed/**'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true as const,
        test: { name: 'packed', include: ['tests/packed/**/*.test.ts'], testTimeout: 20_000 }, // needs a build, and npm's registry
      },
      ...['chat', 'board'].flatMap((name) => [
        `examples/${name}/vitest.config.ts`,
        `examples/${name}/vitest.browser.config.ts`,
      ]),
    ],
  },
})
