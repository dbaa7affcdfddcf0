import { equal } from './assertions.ts'
import { expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of rates. */
export function rateLaws({ describe, test }: SuiteRunner): void {
  const add = (
    owner: string,
    rest: { readonly what?: string; readonly window?: number; readonly amount?: number } = {},
  ) => ({
    ...{ owner, what: 'calls', window: 1_700_000_000_000, amount: 1, expires },
    ...rest,
  })
  describe('rates', () => {
    test('adds to a counter, which starts at 0, and returns its total', async (store) => {
      const owner = fresh('o')
      equal(await store.addToRate(add(owner)), 1)
      equal(await store.addToRate(add(owner, { amount: 10 })), 11)
      equal(await store.addToRate(add(owner, { amount: 1_000_000_000_000 })), 1_000_000_000_011)
    })
    test('counts apart by owner, by what is counted and by window', async (store) => {
      const owner = fresh('o')
      for (const rest of [{}, { what: 'calls#1' }, { window: 1_700_000_001_000 }, { what: 'c#alls' }])
        equal(await store.addToRate(add(owner, rest)), 1)
      for (const other of [`${owner}#calls`, fresh('o')]) equal(await store.addToRate(add(other)), 1)
      equal(await store.addToRate(add(owner)), 2)
    })
    test('counts 20 concurrent additions, each with a total of its own', async (store) => {
      const owner = fresh('o')
      const totals = await Promise.all(Array.from({ length: 20 }, () => store.addToRate(add(owner))))
      equal(
        totals.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n + 1),
      )
    })
  })
}
