import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { expect, test } from 'vitest'
import { openFixture, tableInput } from '../dynamo.suite.ts'
import { acquireEngine, releaseEngine } from '../engine.ts'

test('an engine in memory keeps rows as text, so that no small row keeps a slab of buffers alive', async () => {
  await using at = await openFixture()
  await at.dynamo.createTable(tableInput('rows'))
  await at.documents.send(new PutCommand({ TableName: 'rows', Item: { pk: 'a', sk: '1', text: 'ä€😀' } }))
  const { store } = await acquireEngine(undefined)
  const level: object = store.db
  expect(Reflect.get(level, 'keyEncoding').bind(level)('utf8').format).toBe('utf8')
  expect(Reflect.get(level, 'valueEncoding').bind(level)('json').format).toBe('utf8')
  const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'a' } }
  const { Items } = await at.documents.send(new QueryCommand({ TableName: 'rows', ...query }))
  expect(Items).toEqual([{ pk: 'a', sk: '1', text: 'ä€😀' }])
  await releaseEngine(undefined)
})

test.each([1, 3, 100])('a query of at most %d rows closes its iterator', async (Limit) => {
  await using at = await openFixture()
  await at.dynamo.createTable(tableInput('rows'))
  for (const sk of ['1', '2', '3'])
    await at.documents.send(new PutCommand({ TableName: 'rows', Item: { pk: 'a', sk } }))
  const { store } = await acquireEngine(undefined)
  const { db } = store
  const make = db.values
  let open = 0
  let made = 0
  db.values = (range) => {
    const iterator = make(range)
    const close = iterator.close.bind(iterator)
    open += 1
    made += 1
    iterator.close = async () => {
      iterator.close = close
      await close()
      open -= 1
    }
    return iterator
  }
  const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'a' }, Limit }
  const { Items } = await at.documents.send(new QueryCommand({ TableName: 'rows', ...query }))
  expect(Items).toHaveLength(Math.min(Limit, 3))
  await expect.poll(() => open).toBe(0)
  expect(made).toBe(1)
  db.values = make
  await releaseEngine(undefined)
})
