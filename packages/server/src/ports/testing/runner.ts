import type { Store } from '../store.ts'

/** `describe` and `it` of a test runner, such as `node:test`, Vitest, Jest or Mocha. */
export interface TestRunner {
  /** Groups the tests that `body` registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test, which fails when `body` rejects. */
  readonly it: (name: string, body: () => Promise<void>) => unknown
}

/** What the laws of each port are tested with: every test gets the store under test. */
export interface SuiteRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly test: (name: string, body: (store: Store) => Promise<void>) => unknown
}
