import { defineConfig } from 'vitest/config'

const packages = [
  'protocol',
  'server',
  'client',
  'deploy',
  'serverless',
  'cdk',
  'local',
  'simulator',
  'create-trunkline',
]

export default defineConfig({
  resolve: { conditions: ['trunkline-source'] },
  ssr: { resolve: { conditions: ['trunkline-source', 'node', 'import', 'default'] } },
  test: {
    maxWorkers: '100%', // Vitest's default leaves one core unused, which is half of a machine with two
    // Only a hang takes longer: other suites run at the same time, some at a low priority, and an exhaustive test takes
    // 90 s alone. So no test and no hook has a shorter limit of its own.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    projects: [
      ...packages.map((name) => ({
        extends: true as const,
        test: {
          name,
          root: `packages/${name}`,
          include: ['src/**/*.test.ts'],
        },
      })),
      {
        extends: true as const,
        test: {
          name: 'repository',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/packed/**', 'tests/foreign/**', 'tests/site/**'],
        },
      },
      {
        extends: true as const,
        test: { name: 'packed', include: ['tests/packed/**/*.test.ts'] }, // needs a build and npm's registry
      },
      {
        extends: true as const,
        // on other software, which `npm run test:long` installs; skipped if it is missing
        test: { name: 'foreign', include: ['tests/foreign/**/*.test.ts'] },
      },
      {
        extends: true as const,
        // the documentation site, built and in a browser; needs a build, npm's registry and a Chromium
        test: {
          name: 'browser-site',
          include: ['tests/site/**/*.test.ts'],
          fileParallelism: false, // each file holds a browser
        },
      },
      ...['auth', 'minimal', 'node-service'].map((name) => `examples/${name}/vitest.config.ts`),
      ...['chat', 'board', 'ai', 'cursors'].flatMap((name) => [
        `examples/${name}/vitest.config.ts`,
        `examples/${name}/vitest.browser.config.ts`,
      ]),
    ],
  },
})
