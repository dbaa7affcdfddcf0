import { initTRPC, lazy, type TRPCError } from '@trpc/server'
import { withDocs } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import type { LineMeta } from '../define/identity.ts'
import { checkRates } from './check-rates.ts'
import { createLambdaHandlers } from './handlers.ts'
import type { Rates } from './options.ts'
import { createTestLine } from './test-line.suite.ts'

const t = initTRPC.meta<LineMeta>().create()
const rated = (rate: unknown) => t.procedure.meta({ rate } as LineMeta).query(() => 'done')

describe('the option `rates`', () => {
  test('is off unless it is set', () => {
    expect([checkRates(undefined), checkRates({}), checkRates({ connection: {}, principal: {} })]).toEqual([[], [], []])
  })
  test('has a window of 1,000 frames or 1,024,000 bytes, and of a second at least', () => {
    const rates: Rates = {
      connection: { frames: '50/s', subscribes: '30/m', publishedBytes: '512000/h' },
      principal: { frames: '5000/s', publishedBytes: '1024000/s' },
    }
    expect(checkRates(rates)).toEqual([
      { scope: 'connection', kind: 'frames', text: '50/s', windowMs: 20_000, budget: 1_000 },
      { scope: 'connection', kind: 'subscribes', text: '30/m', windowMs: 2_000_000, budget: 1_000 },
      { scope: 'connection', kind: 'publishedBytes', text: '512000/h', windowMs: 7_200_000, budget: 1_024_000 },
      { scope: 'principal', kind: 'frames', text: '5000/s', windowMs: 1_000, budget: 5_000 },
      { scope: 'principal', kind: 'publishedBytes', text: '1024000/s', windowMs: 1_000, budget: 1_024_000 },
    ])
  })
  test.each<[unknown, string]>([
    ['5/s', 'Expected the options of rates to be an object, got string. Pass one.'],
    [null, 'Expected the options of rates to be an object, got null. Pass one.'],
    [['5/s'], 'Expected the options of rates to be an object, got an array. Pass one.'],
    [{ session: {} }, 'Expected the options of rates to be among connection, principal, got "session". Remove it.'],
    [{ connection: '5/s' }, 'Expected the options of rates.connection to be an object, got string. Pass one.'],
    [
      { principal: { frames: '50/s', bytes: '5/s' } },
      'Expected the options of rates.principal to be among frames, subscribes, publishedBytes, got "bytes". Remove it.',
    ],
    [
      { connection: { frames: 50 } },
      "Expected rates.connection.frames to be a rate such as '5/s', '100/m' or '10/h', got the number 50. Give a whole number above 0, and s, m or h for a second, a minute or an hour.",
    ],
    [
      { principal: { publishedBytes: '64KB/s' } },
      "Expected rates.principal.publishedBytes to be a rate such as '5/s', '100/m' or '10/h', got \"64KB/s\". Give a whole number above 0, and s, m or h for a second, a minute or an hour.",
    ],
    [
      { connection: { subscribes: '10/h' } },
      "Expected rates.connection.subscribes to be at least '500/h', since it is estimated from samples, got '10/h'. Raise it or count single procedures exactly by meta({ rate: '10/h' }).",
    ],
    [
      { connection: { publishedBytes: '100/s' } },
      "Expected rates.connection.publishedBytes to be at least '512000/h', since it is estimated from samples, got '100/s'. Raise it.",
    ],
  ])('%j is refused when the handlers are created, with what was expected', (rates, message) => {
    const create = () => createLambdaHandlers({ router: t.router({}), rates: rates as Rates })
    expect(create).toThrow(new TypeError(withDocs('options', message)))
  })
})

describe('the rate of a procedure', () => {
  const invalid = "to be a rate such as '5/s', '100/m' or '10/h', got"
  test.each<[unknown, string]>([
    ['5', '"5"'],
    ['5/d', '"5/d"'],
    [5, 'the number 5'],
    [null, 'null'],
  ])('of %j is refused when the handlers are created, with the path', (rate, came) => {
    const router = t.router({ fine: rated('5/s'), deep: t.router({ er: t.router({ pay: rated(rate) }) }) })
    expect(() => createLambdaHandlers({ router })).toThrow(
      `Expected meta.rate of procedure "deep.er.pay" ${invalid} ${came}.`,
    )
  })
  test.each(['5/s', '100/m', '10/h', undefined])('of %j is accepted', (rate) => {
    expect(() => createLambdaHandlers({ router: t.router({ pay: rated(rate) }) })).not.toThrow()
  })
  test('of a lazy router is refused when it is called, with the path, and nothing runs', async () => {
    const errors: TRPCError[] = []
    const router = t.router({ late: lazy(async () => ({ router: t.router({ pay: rated('often') }) })) })
    const line = createTestLine({ router, onError: ({ error }) => void errors.push(error) })
    const client = await line.connect()
    const answer = await client.send({ id: 1, method: 'query', params: { path: 'late.pay' } })
    expect(answer).toMatchObject({ id: 1, error: { data: { code: 'INTERNAL_SERVER_ERROR' } } })
    expect(errors[0]?.message).toContain(`Expected meta.rate of procedure "late.pay" ${invalid} "often".`)
  })
})
