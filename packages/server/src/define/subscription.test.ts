import { isObservable } from '@trpc/server/observable'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { createLine } from '../line/create-line.ts'
import { applyPipe, descriptorOf } from './subscription.ts'

const line = createLine()
const events = line.channel('events', {
  key: z.object({ room: z.string() }),
  event: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), n: z.number() }),
    z.object({ kind: z.literal('b'), text: z.string() }),
  ]),
})

describe('a subscription', () => {
  test('is neither a promise nor an observable, and uses no table until it is served', () => {
    const subscription = events.subscribe({ room: 'x' })
    expect(subscription).not.toHaveProperty('then')
    expect(isObservable(subscription)).toBe(false)
    expect(descriptorOf(subscription)).toMatchObject({ topic: 'events?room=s:x', replay: 0, pipe: [] })
  })
  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a replay of %d', (replay) => {
    expect(() => events.subscribe({ room: 'x' }, { replay })).toThrow('Expected replay to be a whole number')
  })
  test('refuses an invalid key and names its channel', () => {
    expect(() => events.subscribe({ room: 7 as unknown as string })).toThrow('does not fit channel events')
  })
  test('adds steps without changing the subscription that it was made from', () => {
    const plain = events.subscribe({ room: 'x' })
    const piped = plain.filter(({ kind }) => kind === 'a').map(({ kind }) => kind)
    expect(descriptorOf(plain)?.pipe).toHaveLength(0)
    expect(descriptorOf(piped)?.pipe.map(({ kind }) => kind)).toEqual(['filter', 'map'])
  })
  test('has the type that its steps result in', () => {
    const narrowed = events
      .subscribe({ room: 'x' })
      .filter((event): event is { kind: 'a'; n: number } => event.kind === 'a')
    const mapped = narrowed.map(({ n }) => n)
    expectTypeOf(mapped.map).parameter(0).parameter(0).toEqualTypeOf<number>()
  })
})

describe('a pipe', () => {
  const double = { kind: 'map', fn: (event: unknown) => (event as number) * 2 } as const
  const small = { kind: 'filter', keep: (event: unknown) => (event as number) < 10 } as const
  test('runs its steps in order, and stops at the first filter that removes the event', () => {
    expect(applyPipe([double, small], 4)).toEqual({ event: 8 })
    expect(applyPipe([small, double], 8)).toEqual({ event: 16 })
    expect(applyPipe([double, small], 8)).toBeUndefined()
  })
  test('distinguishes an event that became undefined from one that was removed', () => {
    expect(applyPipe([{ kind: 'map', fn: () => undefined }], 1)).toEqual({ event: undefined })
  })
  test('throws what a step throws', () => {
    const step = {
      kind: 'map',
      fn: () => {
        throw new Error('map failed')
      },
    } as const
    expect(() => applyPipe([step], 1)).toThrow('map failed')
  })
})

describe('the descriptor', () => {
  test.each([null, undefined, 1, 'x', {}, []])('of %j is none', (value) => {
    expect(descriptorOf(value)).toBeUndefined()
  })
})
