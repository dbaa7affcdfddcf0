import config from './vitest.config.ts'

/** The page as people use it. Needs a Chromium (TRUNKLINE_CHROMIUM, else /usr/bin/chromium). */
export default {
  ...config,
  test: {
    ...config.test,
    name: 'browser-cursors',
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000, // Vite and Chromium are started
  },
}
