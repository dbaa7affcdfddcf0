import { initTRPC } from '@trpc/server'
import { type TrunklineError, trunklineError } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { describe, expect, test } from 'vitest'
import type { FaultEffect } from '../faults/fault-effects.ts'
import { routes } from './deployment.ts'
import type { RunningLine } from './reopenable-line.ts'
import { startStack } from './stack.ts'
import { startLocalLine, toLocalLine } from './start-local-line.ts'

const line = createLine()
let saved = 0
const t = initTRPC.create()
const router = t.router({
  good: t.procedure.query(() => 'good'),
  save: t.procedure.mutation(() => ++saved),
})
type Line = RunningLine<typeof router>

interface Case {
  readonly title: string
  readonly said: string
  /** The time after which the gateway sends it. */
  readonly afterMs: number
  /** The fault of the function that runs `save`. */
  readonly effect?: FaultEffect
  readonly start?: () => Promise<Line>
}
const cases: readonly Case[] = [
  { title: 'a function that throws', said: 'Internal server error', afterMs: 0, effect: 'fail' },
  { title: 'a function that is killed', said: 'Internal server error', afterMs: 0, effect: 'kill' },
  { title: 'a function that hangs', said: 'Internal server error', afterMs: 28_000, effect: 'hang' },
  {
    title: 'a function that starts too late',
    ...{ said: 'Endpoint request timed out', afterMs: 29_000, effect: { delayMs: 40_000 } },
  },
  { title: 'a route that is missing', said: 'Forbidden', afterMs: 0, start: startWithoutRoute },
]

/** A line whose API has no route for mutations. */
async function startWithoutRoute(): Promise<Line> {
  const named = ['hello', 'query'].map((key) => ({ key, functionName: 'websocket', twoWay: true }) as const)
  const stack = await startStack({ routes: [...routes.filter(({ key }) => key !== '$default'), ...named] })
  const handlers = createLambdaHandlers({ router, line })
  const around = (_: unknown, call: () => Promise<unknown>) => line.withBackend(stack.functionBackend, call)
  stack.serve((name) => ({ kind: 'in-process', handler: handlers[name], around }))
  return toLocalLine(stack, { run: (fn) => line.withBackend(stack.scriptBackend, fn), around, release: () => {} })
}

/** The outcome of a call: undefined while it is in flight. */
function watch(call: Promise<unknown>) {
  const now: { value?: unknown; failure?: TrunklineError | undefined } = {}
  call.then(
    (value) => Object.assign(now, { value }),
    (error: unknown) => Object.assign(now, { failure: trunklineError(error) }),
  )
  return now
}

async function startWith({ start = () => startLocalLine({ router, line }), effect }: Case) {
  saved = 0
  const local = await start()
  if (effect !== undefined) local.faults.on('function', effect, { path: 'save', times: 1 })
  const { client } = local.connect()
  await client.good.query()
  return { local, client }
}

describe.each(cases)('$title: the gateway says $said', (given) => {
  const { said, afterMs } = given
  const failed = { code: 'FUNCTION_FAILED', mayHaveRun: true, message: expect.stringContaining(said) }

  test('and the only call in flight without a key fails immediately [TL-GW-1] [TL-GW-2]', async () => {
    const { local, client } = await startWith(given)
    await using _ = local
    const call = watch(client.save.mutate(undefined, { timeoutMs: 60_000, idempotencyKey: false }))
    await local.clock.advance(`${afterMs + 100}ms`)
    expect(call).toEqual({ failure: expect.objectContaining(failed) })
  })
  test('and with another call in flight it fails at its own deadline, while the other gets its response [TL-GW-2]', async () => {
    const { local, client } = await startWith(given)
    await using _ = local
    // its response is delayed, whether it is a route response or a push
    for (const point of ['answer', 'push'] as const) local.faults.on(point, { delayMs: 10_000 }, { path: 'good' })
    const call = watch(client.save.mutate(undefined, { timeoutMs: afterMs + 5_000, idempotencyKey: false }))
    if (afterMs > 0) await local.clock.advance(`${afterMs - 1_000}ms`)
    const other = watch(client.good.query(undefined, { timeoutMs: 20_000 }))
    await local.clock.advance('4s')
    expect([call, other]).toEqual([{}, {}])
    await local.clock.advance('2500ms')
    expect([call, other]).toEqual([{ failure: expect.objectContaining(failed) }, {}])
    await local.clock.advance('10s')
    expect(other).toEqual({ value: 'good' })
  })
})

describe.each(cases.filter(({ effect }) => effect !== undefined))('after $title', (given) => {
  test('a keyed mutation is sent again under its key and completes once [TL-KEY-5] [TL-KEY-10]', async () => {
    const { local, client } = await startWith(given)
    await using _ = local
    const call = watch(client.save.mutate(undefined, { timeoutMs: 120_000 }))
    await local.clock.advance('90s')
    expect([call, saved]).toEqual([{ value: 1 }, 1])
  })
})

test('an API without a route for the greeting opens no session, and the call fails at its deadline [TL-GW-1]', async () => {
  const stack = await startStack({ routes: routes.filter(({ key }) => key !== '$default') })
  const handlers = createLambdaHandlers({ router, line })
  const around = (_: unknown, call: () => Promise<unknown>) => line.withBackend(stack.functionBackend, call)
  stack.serve((name) => ({ kind: 'in-process', handler: handlers[name], around }))
  await using local: Line = toLocalLine(stack, { run: (fn) => fn(), around, release: () => {} })
  const call = watch(local.connect().client.good.query(undefined, { timeoutMs: 5_000 }))
  await local.clock.advance('6s')
  expect(call).toEqual({ failure: expect.objectContaining({ code: 'TIMEOUT', mayHaveRun: false }) })
})
