import { describe, expect, test } from 'vitest'
import { createStoreLimit } from './store-limit.ts'

/** A store whose requests end on request. */
function createStore() {
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const read = (name: string) =>
    new Promise<string>((resolve, reject) => {
      begun.push(name)
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)))
    })
  return { store: { read, kind: 'table' }, begun, end: (name: string, error?: Error) => ends.get(name)?.(error) }
}

const rounds = async (count = 8) => {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the limit of a store', () => {
  test('lets the set number of invocations send requests at once, and the others in order of arrival', async () => {
    const { store, begun, end } = createStore()
    const limit = createStoreLimit(2)
    const reads = ['a', 'b', 'c', 'd'].map((name) => limit.ofInvocation(store).read(name))
    await rounds()
    expect(begun).toEqual(['a', 'b'])
    end('b')
    await rounds()
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c']) end(name)
    await rounds()
    end('d')
    expect(await Promise.all(reads)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('keeps an invocation’s slot while its requests follow one another', async () => {
    const { store, begun, end } = createStore()
    const limit = createStoreLimit(1)
    const first = limit.ofInvocation(store)
    const next = first.read('a').then(() => first.read('a2'))
    const other = limit.ofInvocation(store).read('b')
    await rounds()
    end('a')
    await rounds()
    expect(begun).toEqual(['a', 'a2'])
    end('a2')
    await next
    await rounds()
    end('b')
    expect(await other).toBe('b')
  })

  test('passes the slot on after a failed request, and rethrows its error', async () => {
    const { store, begun, end } = createStore()
    const limit = createStoreLimit(1)
    const failed = limit.ofInvocation(store).read('a')
    void limit.ofInvocation(store).read('b')
    await rounds()
    end('a', new Error('no table'))
    await expect(failed).rejects.toThrow('no table')
    await rounds()
    expect(begun).toEqual(['a', 'b'])
  })

  test('counts the requests that an invocation sends at once as one, and passes values on', async () => {
    const { store, begun } = createStore()
    const limited = createStoreLimit(1).ofInvocation(store)
    void limited.read('a')
    void limited.read('b')
    await rounds()
    expect(begun).toEqual(['a', 'b'])
    expect(limited.kind).toBe('table')
  })

  test('uses a separate slot for each request of a script', async () => {
    const { store, begun, end } = createStore()
    const script = createStoreLimit(1).ofScript(store)
    const reads = ['a', 'b'].map((name) => script.read(name))
    await rounds()
    expect(begun).toEqual(['a'])
    end('a')
    await rounds()
    end('b')
    expect(await Promise.all(reads)).toEqual(['a', 'b'])
  })
})
