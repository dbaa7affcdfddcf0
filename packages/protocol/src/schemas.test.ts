import { describe, expect, test } from 'vitest'
import { stockMessages } from './fixtures/stock-messages.suite.ts'
import { serverFrame, serverMessage } from './schemas.ts'

describe('the schemas of server messages', () => {
  test.each(stockMessages.server.filter((text) => text !== 'PONG'))('accept %s', (text) => {
    expect(serverFrame.safeParse(JSON.parse(text)).data).toEqual(JSON.parse(text))
  })

  test.each([
    { id: 1 },
    { id: 1, result: {} },
    { id: 1, result: { type: 'started', gap: 'boredom' } },
    { id: 1, result: { type: 'synced', from: 'e:1' } },
    { id: 1, result: { type: 'started', snapshot: false } },
    { id: 1, result: { type: 'snapshot', id: 'e:1' } },
    { id: 1, result: { type: 'snapshot', id: 'e', data: {} } },
    { id: 1, result: { type: 'authorized' } },
    { id: 1, result: { type: 'authorized', authExpires: -1 } },
    { id: 1, error: {}, line: { code: 'PENDING', retry: 'soon', mayHaveRun: true } },
    { id: null, result: { type: 'data' } },
    { id: 1, error: {}, line: { code: 'NOPE', retry: 'now', mayHaveRun: true } },
    { pong: 'yes' },
    { message: 'Forbidden' },
    'PONG',
    5,
  ])('reject %j', (message) => {
    expect(serverMessage.safeParse(message).success).toBe(false)
  })
})
