import { initTRPC, TRPCError } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createTestLine } from '../../lambda/test-line.suite.ts'
import { StoreError } from '../../ports/store.ts'

const aws = Object.assign(new Error('Requested resource not found: Table: trunkline-prod not found'), {
  name: 'ResourceNotFoundException',
  $metadata: { httpStatusCode: 400, requestId: 'r' },
})
const denied = new Error(
  'User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: dynamodb:PutItem',
)
const hostile = {
  get message(): string {
    throw new Error('trap')
  },
  toString() {
    throw new Error('trap')
  },
}
const proxy = new Proxy(
  {},
  {
    get: () => {
      throw new Error('trap')
    },
    ownKeys: () => {
      throw new Error('trap')
    },
  },
)

const things: Readonly<Record<string, unknown>> = {
  'a StoreError with an ARN in its cause': new StoreError('putSlot', true, { cause: denied }),
  'an error around a StoreError': new Error('wrapped', { cause: new StoreError('putSlot', true, { cause: denied }) }),
  'an AWS error that names a table': aws,
  'an AWS error that names a role': denied,
  'a TRPCError that took its words from an AWS error': new TRPCError({ code: 'NOT_FOUND', cause: aws }),
  'a string': 'words',
  null: null,
  undefined: undefined,
  'a number': 7,
  'an object': { reason: 'x' },
  'an object whose members throw': hostile,
  'a proxy whose every trap throws': proxy,
  'a symbol': Symbol('s'),
  'an object without prototype': Object.create(null),
}

function line(errorFormatter?: () => never) {
  const t = initTRPC.create(errorFormatter === undefined ? {} : { errorFormatter })
  const router = t.router({
    fail: t.procedure.input(z.string()).query(({ input }) => {
      throw things[input]
    }),
    subscribe: t.procedure.input(z.string()).subscription(({ input }): AsyncIterable<number> => {
      throw things[input]
    }),
    numbers: t.procedure.input(z.array(z.number())).query(() => 'ok'),
  })
  return createTestLine({ router, onError: () => {} })
}

describe('[LAW-ERRORS]: an error that is thrown', () => {
  test.each(Object.keys(things))('as %s is answered without stack, table or ARN [TL-ERR-3]', async (input) => {
    const client = await line().connect()
    const answer = await client.send({ id: 1, method: 'query', params: { path: 'fail', input } })
    await client.send({ id: 2, method: 'subscription', params: { path: 'subscribe', input } })
    for (const frame of [answer, client.frames()[0]]) {
      expect(frame).toMatchObject({ error: { code: expect.any(Number) } })
      expect(JSON.stringify(frame)).not.toMatch(/arn:aws|trunkline-prod|123456789012|dynamodb|"stack"|\.ts:/)
    }
  })
  test('by the router’s own formatter is answered nevertheless', async () => {
    const broken = line(() => {
      throw new Error('formatter')
    })
    const answer = await (await broken.connect()).send({ id: 1, method: 'query', params: { path: 'nope' } })
    expect(answer).toEqual({
      id: 1,
      error: {
        message: 'Internal server error',
        code: -32_603,
        data: { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 },
      },
    })
  })
  test('by a validator that lists ten thousand members fits a message [TL-LIM-3]', async () => {
    const client = await line().connect()
    const input = Array.from({ length: 10_000 }, () => 'x')
    const answer = await client.send({ id: 1, method: 'query', params: { path: 'numbers', input } })
    expect(answer).toMatchObject({ id: 1, line: { code: 'TOO_LARGE' } })
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(limits.messageBytes.value)
  })
})
