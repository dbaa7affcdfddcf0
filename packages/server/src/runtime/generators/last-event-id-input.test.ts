import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import * as z3 from 'zod/v3'
import { recordingTelemetry } from '../../lambda/recording-telemetry.suite.ts'
import { createTestLine } from '../../lambda/test-line.suite.ts'
import { canCarry } from './last-event-id-input.ts'

const id = z.string().optional()
const bare = z.object({ prompt: z.string() })
const carrying = bare.extend({ lastEventId: id })
const old = z3.object({ prompt: z3.string() })

describe('whether validators let lastEventId through', () => {
  test.each<[boolean | undefined, string, readonly unknown[]]>([
    [false, 'no validator', []],
    [false, 'an object without it', [bare]],
    [false, 'a strict object', [z.strictObject({ prompt: z.string() })]],
    [false, 'a text', [z.string()]],
    [false, 'an array', [z.array(z.string())]],
    [false, 'nothing', [z.void()]],
    [false, 'an optional object without it', [bare.optional()]],
    [false, 'an object without it, transformed', [bare.transform((value) => value)]],
    [false, 'an object without it, refined', [bare.refine(() => true)]],
    [false, 'a union without it', [z.union([bare, z.string()])]],
    [false, 'an intersection without it', [z.intersection(bare, bare)]],
    [false, 'a lazy object without it', [z.lazy(() => bare)]],
    [false, 'an object of zod 3 without it', [old]],
    [false, 'an object of zod 3 without it, refined', [old.refine(() => true).optional()]],
    [true, 'an object with it', [carrying]],
    [true, 'two validators, and one has it', [bare, z.object({ lastEventId: id })]],
    [true, 'a loose object', [z.looseObject({ prompt: z.string() })]],
    [true, 'an object with a catchall', [bare.catchall(z.unknown())]],
    [true, 'anything', [z.any()]],
    [true, 'a union, and one member has it', [z.union([bare, carrying])]],
    [true, 'an intersection, and one side has it', [z.intersection(bare, carrying)]],
    [true, 'an optional object with it', [carrying.optional()]],
    [true, 'an object of zod 3 with it', [old.extend({ lastEventId: z3.string().optional() })]],
    [true, 'an object of zod 3 that passes all through', [old.passthrough()]],
    [undefined, 'an object with it, transformed', [carrying.transform((value) => value)]],
    [undefined, 'a function', [(value: unknown) => value]],
    [undefined, 'a record', [z.record(z.string(), z.string())]],
  ])('is %j of %s', (expected, _, inputs) => {
    expect(canCarry(inputs)).toBe(expected)
  })
})

describe('a generator of tracked values', () => {
  const t = initTRPC.create()
  const values = async function* () {
    for (const n of [1, 2, 3]) yield tracked(String(n), n)
  }
  const router = t.router({
    lost: t.procedure.input(bare).subscription(values),
    lostToo: t.procedure.subscription(values),
    kept: t.procedure.input(carrying).subscription(values),
    plain: t.procedure.input(bare).subscription(async function* () {
      yield 1
    }),
  })
  test.each([{ stock: false }, { stock: true }])(
    'whose input cannot carry lastEventId is logged once, when it is subscribed to (%j)',
    async (how) => {
      const { telemetry, logs } = recordingTelemetry()
      const made = createTestLine({ router, telemetry })
      const client = await made.connect(how)
      let subscriptions = 0
      const run = async (path: string) => {
        const input = { prompt: 'x' }
        await client.send({ id: ++subscriptions, method: 'subscription', params: { path, input } })
        let isOver = false
        const working = made.work().then(() => (isOver = true))
        for (let turn = 0; !isOver && turn < 200; turn++) await made.clock.advance(100)
        await working
      }
      for (const path of ['kept', 'plain']) await run(path)
      expect(logs).toEqual([])
      for (const path of ['lost', 'lost', 'lostToo', 'lost']) await run(path)
      expect(logs).toMatchObject([
        { level: 'WARN', facts: { path: 'lost' } },
        { level: 'WARN', facts: { path: 'lostToo' } },
      ])
      expect(logs[0]?.message).toMatch(/^lost yields tracked values, but its input cannot carry lastEventId/)
    },
  )
})
