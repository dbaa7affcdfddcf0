import type { Store } from '../store.ts'
import { connectionLaws } from './connections.ts'
import { idempotencyLaws } from './idempotency.ts'
import { leaseLaws } from './leases.ts'
import { logLaws } from './log.ts'
import { presenceLaws } from './presence.ts'
import { principalLaws } from './principals.ts'
import { rateLaws } from './rates.ts'
import type { SuiteRunner, TestRunner } from './runner.ts'
import { streamLaws } from './streams.ts'
import { subscriberLaws } from './subscribers.ts'
import { subscriptionLaws } from './subscriptions.ts'
import { uploadLaws } from './uploads.ts'

export { type ErasureUnderTest, erasureSuite } from './erasure.ts'
export type { TestRunner } from './runner.ts'

/** The store that the suite tests. */
export interface StoreUnderTest {
  /** Names the store in the titles of the tests. */
  readonly name: string
  /** Called once, with the first test. All tests share the store: their rows have names of their own. */
  readonly createStore: () => Store | Promise<Store>
}

/**
 * Declares the tests of the laws of the eleven store ports, by the `describe` and `it` of any test runner. A test fails
 * by throwing an `AssertionError` of `node:assert/strict`. An implementation of `Store` is correct if all of them pass;
 * a store of one port needs only that port's group.
 *
 * ```ts
 * import { describe, it } from 'node:test'
 * import { storeSuite } from '@trunkline/server/ports/testing'
 *
 * storeSuite({ describe, it }, { name: 'my store', createStore: () => createMyStore() })
 * ```
 */
export function storeSuite({ describe, it }: TestRunner, { name, createStore }: StoreUnderTest): void {
  let created: Promise<Store> | undefined
  const open = () => {
    created ??= Promise.resolve(createStore())
    return created
  }
  const runner: SuiteRunner = {
    describe,
    test: (title, body) => it(title, async () => body(await open())),
  }
  describe(`the store ports on ${name}`, () => {
    logLaws(runner)
    connectionLaws(runner)
    subscriptionLaws(runner)
    subscriberLaws(runner)
    idempotencyLaws(runner)
    presenceLaws(runner)
    leaseLaws(runner)
    rateLaws(runner)
    uploadLaws(runner)
    principalLaws(runner)
    streamLaws(runner)
  })
}
