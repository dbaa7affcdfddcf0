import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Exchange, openTable, proxy } from '../dynamodb/endpoint.suite.ts'
import { dynamoTicketStore } from './dynamo-ticket-store.ts'

let table: Awaited<ReturnType<typeof openTable>>
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table.end())

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of ends.splice(0)) await end()
})

async function storeBehind(handle: (exchange: Exchange) => Promise<void>) {
  const { endpoint, end } = await proxy(table.options.endpoint, handle)
  ends.push(end)
  return dynamoTicketStore({ ...table.options, endpoint })
}

async function pass(exchange: Exchange): Promise<void> {
  const { status, body } = await exchange.forward()
  exchange.answer(status, body)
}

it('redeems a ticket once, also when two functions redeem it at the same time', async () => {
  const stores = [dynamoTicketStore(table.options), dynamoTicketStore(table.options)]
  const results = await Promise.all(stores.map((store) => store.redeem('once', 1_900_000_000)))
  expect(results.sort()).toEqual([false, true])
  for (const store of stores) expect(await store.redeem('once', 1_900_000_000)).toBe(false)
})

it('puts one row of its own prefix with its end, and makes no other request', async () => {
  const requests: Exchange[] = []
  const store = await storeBehind(async (exchange) => {
    requests.push(exchange)
    await pass(exchange)
  })
  expect(await store.redeem('row', 1_900_000_000)).toBe(true)
  expect(requests.map(({ operation }) => operation)).toEqual(['PutItem'])
  expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
    TableName: table.options.table,
    Item: { pk: { S: 'TICKET#row' }, sk: { S: '#' }, by: { S: expect.any(String) }, expires: { N: '1900000000' } },
    ConditionExpression: 'attribute_not_exists(#pk)',
  })
})

it('redeems a ticket whose answer was lost', async () => {
  let lost = false
  const store = await storeBehind(async (exchange) => {
    if (lost) return pass(exchange)
    lost = true
    await exchange.forward()
    exchange.cutAnswer()
  })
  expect(await store.redeem('lost', 1_900_000_000)).toBe(true)
  expect(await store.redeem('lost', 1_900_000_000)).toBe(false)
})

it('rejects when the table cannot be reached', async () => {
  const store = await storeBehind(async (exchange) => exchange.answer(500, '{}'))
  await expect(store.redeem('down', 1_900_000_000)).rejects.toThrow()
})

it('uses the table of the environment, and says what to set without one', async () => {
  const { table: name, ...target } = table.options
  vi.stubEnv('TRUNKLINE_TABLE', '')
  const store = dynamoTicketStore(target)
  await expect(store.redeem('env', 1_900_000_000)).rejects.toThrow('No table for tickets: set TRUNKLINE_TABLE')
  vi.stubEnv('TRUNKLINE_TABLE', name)
  expect(await store.redeem('env', 1_900_000_000)).toBe(true)
})
