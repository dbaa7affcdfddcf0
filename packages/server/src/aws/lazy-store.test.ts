import { expect, test } from 'vitest'
import { createDynamoErasure, createDynamoStore } from '../dynamodb/store.ts'
import { awsBackend } from './backend.ts'
import { lazyOperations } from './lazy-store.ts'

const table = { table: 'line', region: 'eu-west-1' }

test('a store has the operations of the adapter before it is loaded, so that a copy has them too', () => {
  const { store, erasure } = awsBackend(table)
  expect(Object.keys({ ...store }).sort()).toEqual(Object.keys(createDynamoStore(table)).sort())
  expect(Object.keys({ ...erasure }).sort()).toEqual(Object.keys(createDynamoErasure(table)).sort())
})

test('operations that begin while the adapter is loaded run in their order, in one adapter', async () => {
  const run: number[] = []
  let created = 0
  const port = lazyOperations<{ run(n: number): Promise<void> }>({ run: true }, () => {
    created += 1
    return { run: async (n) => void run.push(n) }
  })
  await Promise.all([1, 2, 3].map((n) => port.run(n)))
  expect([run, created]).toEqual([[1, 2, 3], 1])
})
