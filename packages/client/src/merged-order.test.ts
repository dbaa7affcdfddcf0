// More than 200 lines: the orders in which the answers of partitions can come, on one scripted link.

import type { Operation, TRPCLink } from '@trpc/client'
import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { parsePartitionPath } from '@trunkline/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergePartitions } from './partitions.ts'
import { callContext, optionsOf } from './trpc/call-options.ts'

type Gap = Parameters<NonNullable<ReturnType<typeof optionsOf>['onGap']>>[0]
interface OpenPart {
  readonly path: string
  readonly index: number | undefined
  readonly at: string | undefined
  readonly next: (result: object) => void
  readonly fail: (data: object) => void
  readonly gap: (gap: Partial<Gap>) => void
  isOver: boolean
}

/** The link over a chain that a test plays: `open` has the subscriptions that the link made, in their order. */
function play(options: { readonly onGap?: (gap: Gap) => void; readonly onShown?: () => void } = {}) {
  const open: OpenPart[] = []
  const seen: string[] = []
  const next = (op: Operation) =>
    observable((observer) => {
      const { partition } = parsePartitionPath(op.path)
      const part: OpenPart = {
        path: op.path,
        index: partition?.index,
        at: partition?.at,
        next: (result) => observer.next({ result, context: op.context }),
        fail: (data) =>
          observer.error(TRPCClientError.from({ error: { message: 'no', code: -32_603, data } } as never)),
        gap(gap) {
          const { onGap, aroundGap = (handler) => handler } = optionsOf(op.context)
          if (onGap !== undefined) aroundGap(onGap)({ path: op.path, input: op.input, ...gap } as Gap)
        },
        isOver: false,
      }
      open.push(part)
      return () => {
        part.isOver = true
      }
    })
  const link = (mergePartitions() as TRPCLink<AnyTRPCRouter>)({} as never)
  const context = options.onGap ? callContext({ onGap: options.onGap }) : {}
  const op = { id: 1, type: 'subscription', path: 'live', input: {}, context, signal: null } as unknown as Operation
  const errors: unknown[] = []
  const subscription = link({ op, next: next as never }).subscribe({
    next: ({ result }) => {
      if (result.type !== 'data') seen.push(String(result.type))
      else seen.push(`${(result.data as { data: unknown }).data} at ${result.id}`)
      if (result.type === 'data') options.onShown?.()
    },
    error: (error) => errors.push(error),
    complete: () => seen.push('complete'),
  })
  const of = (index: number) => open.findLast((part) => part.index === index) as OpenPart
  const say = (index: number, partitions: object) => of(index).next({ type: 'data', data: { partitions } })
  const event = (index: number, offset: number, data: unknown = `${index}:${offset}`) =>
    of(index).next({ type: 'data', id: `e${index}:${offset}`, data: { id: `e${index}:${offset}`, data } })
  const start = (index: number, said: object = {}, count = open.filter((part) => part.index !== undefined).length) => {
    say(index, { count, at: `e${index}:0`, ...said })
    of(index).next({ type: 'started' })
  }
  const split = (count: number, state = false) => open[0]?.fail({ partitions: { count, ...(state && { state }) } })
  return { open, seen, errors, subscription, of, say, event, start, split }
}
const shown = (seen: readonly string[]) => seen.map((each) => each.split(' at ')[0] ?? '')

test('events wait until all partitions have started', () => {
  const { seen, split, start, event, open } = play()
  split(3)
  expect(open.map(({ path }) => path)).toEqual(['live#', 'live#0/3', 'live#1/3', 'live#2/3'])
  start(0)
  event(0, 1)
  start(2)
  event(2, 1)
  expect(seen).toEqual([])
  start(1)
  expect(shown(seen)).toEqual(['started', '0:1', '2:1'])
  event(1, 1)
  expect(seen.at(-1)).toBe('1:1 at e0:1,e1:1,e2:1')
})

test('the last partition is opened when all others have started, and its state comes first [TL-PART-5]', () => {
  const { seen, split, start, event, open } = play()
  split(3, true)
  expect(open.map(({ index }) => index)).toEqual([undefined, 0, 1])
  start(0, {}, 3)
  event(0, 1)
  start(1, {}, 3)
  expect(open.at(-1)?.path).toBe('live#2/3')
  start(2, { state: true }, 3)
  event(1, 1)
  event(2, 0, 'state')
  expect(shown(seen)).toEqual(['started', 'state', '0:1', '1:1'])
})

test('a whole resume of a subscription with a state has no state to wait for', () => {
  const { seen, split, start, event } = play()
  split(2, true)
  start(0, {}, 2)
  event(0, 1)
  start(1, {}, 2)
  expect(shown(seen)).toEqual(['started', '0:1'])
})

test('a doubled answer with a state does not make events wait for it again', () => {
  const { seen, split, start, say, event } = play()
  split(2, true)
  start(0, {}, 2)
  start(1, { state: true }, 2)
  event(1, 0, 'state')
  say(1, { count: 2, at: 'e1:0', state: true })
  event(0, 1)
  expect(shown(seen)).toEqual(['started', 'state', '0:1'])
})

test('a gap of one partition loads the state again after it, and is not reported [TL-PART-5]', () => {
  const gaps: unknown[] = []
  const { seen, split, start, event, of } = play({ onGap: (gap) => gaps.push(gap) })
  split(3, true)
  for (const index of [0, 1]) start(index, {}, 3)
  start(2, { state: true }, 3)
  event(2, 0, 'state')
  const before = of(2)
  of(1).gap({ reason: 'expired', lastEventId: 'e1:4' })
  expect(before.isOver).toBe(true)
  expect(of(2).path).toBe('live#2/3@new')
  event(1, 9)
  start(2, { state: true }, 3)
  event(2, 5, 'state 2')
  expect(shown(seen)).toEqual(['started', 'state', 'state 2', '1:9'])
  expect(gaps).toEqual([])
})

test('a state that is loaded while other partitions start anew is loaded again after them', () => {
  const { seen, split, start, event, of } = play()
  split(2, true)
  start(0, {}, 2)
  start(1, { state: true }, 2)
  event(1, 0, 'state')
  for (const index of [0, 1]) of(index).next({ type: 'state', state: 'connecting', error: null })
  start(1, { state: true, at: 'f1:0' }, 2)
  of(1).next({ type: 'data', id: 'f1:0', data: { id: 'f1:0', data: 'early state' } })
  start(0, { at: 'f0:0' }, 2)
  expect(of(1).path).toBe('live#1/2@new')
  event(0, 9)
  start(1, { state: true, at: 'f1:1' }, 2)
  event(1, 1, 'late state')
  const events = shown(seen).filter((each) => !['state', 'started'].includes(each))
  expect(events).toEqual(['early state', 'late state', '0:9'])
})

test('a gap before the state is loaded makes the state a new one', () => {
  const { split, start, of } = play()
  split(2, true)
  of(0).gap({ reason: 'expired', lastEventId: null })
  start(0, {}, 2)
  expect(of(1).path).toBe('live#1/2@new')
})

test('a gap names its partition', () => {
  const gaps: Gap[] = []
  const { split, start, of } = play({ onGap: (gap) => gaps.push(gap) })
  split(2)
  for (const index of [0, 1]) start(index)
  of(1).gap({ reason: 'expired', lastEventId: 'e1:4' })
  expect(gaps).toEqual([{ path: 'live', input: {}, reason: 'expired', lastEventId: '1/e1:4', partition: 1 }])
})

test('partitions that are added begin with their first event [TL-PART-6]', () => {
  const { seen, split, start, say, event, open } = play()
  split(2)
  for (const index of [0, 1]) start(index)
  say(0, { count: 4 })
  expect(open.slice(-2).map(({ path }) => path)).toEqual(['live#2/4@start', 'live#3/4@start'])
  start(3, {}, 4)
  event(3, 1)
  expect(shown(seen)).toEqual(['started', '3:1'])
  say(0, { count: 4 })
  say(0, { count: 3 })
  expect(open).toHaveLength(5)
})

test('partitions that are added while others start are part of the start', () => {
  const { seen, split, start, open } = play()
  split(2)
  start(0, {}, 3)
  start(1, {}, 3)
  expect(seen).toEqual([])
  expect(open.at(-1)?.path).toBe('live#2/3')
  start(2, {}, 3)
  expect(seen).toEqual(['started'])
})

test('a subscription whose topic outgrows its log goes on after its last event [TL-PART-7]', () => {
  const { open, seen, split, start, event } = play()
  open[0]?.next({ type: 'started' })
  open[0]?.next({ type: 'data', id: 'e0:7', data: { id: 'e0:7', data: 'seven' } })
  split(2)
  expect(open.at(-1)?.path).toBe('live#')
  open[1]?.fail({ partitions: { count: 2 } })
  expect(open.slice(-2).map(({ path }) => path)).toEqual(['live#0/2@e0:7', 'live#1/2@start'])
  start(0, {}, 2)
  start(1, {}, 2)
  event(1, 1)
  expect(shown(seen)).toEqual(['started', 'seven', 'started', '1:1'])
})

test('a subscription without an event whose topic outgrows its log goes on where it began [TL-PART-7]', () => {
  const { open, split } = play()
  open[0]?.next({ type: 'started', from: 'e0:5' })
  split(2)
  open[1]?.fail({ partitions: { count: 2 } })
  expect(open.slice(-2).map(({ path }) => path)).toEqual(['live#0/2@e0:5', 'live#1/2@start'])
})

test('a position that comes again with a lost socket is not before the last event [TL-PART-7]', () => {
  const { open, split } = play()
  open[0]?.next({ type: 'started', from: 'e0:5' })
  open[0]?.next({ type: 'data', id: 'e0:7', data: { id: 'e0:7', data: 'seven' } })
  open[0]?.next({ type: 'started', from: 'e0:6' })
  split(2)
  open[1]?.fail({ partitions: { count: 2 } })
  expect(open.at(-2)?.path).toBe('live#0/2@e0:7')
})

test('a gap of a subscription to one log names the path and the input of the application', () => {
  const gaps: unknown[] = []
  const { open } = play({ onGap: (gap) => gaps.push(gap) })
  open[0]?.next({ type: 'started' })
  open[0]?.gap({ reason: 'expired', lastEventId: 'e0:4' })
  expect(gaps).toEqual([{ path: 'live', input: {}, reason: 'expired', lastEventId: 'e0:4' }])
})

test('a log that a function of the version before follows on is resumed after its last event [TL-PART-7]', () => {
  const { open, seen, split, start, event, say } = play()
  open[0]?.next({ type: 'started' })
  open[0]?.next({ type: 'data', id: 'e0:7', data: { id: 'e0:7', data: 'seven' } })
  split(2)
  open[1]?.next({ type: 'started' })
  expect(open[1]?.isOver).toBe(true)
  expect(open.slice(2).map(({ path }) => path)).toEqual(['live#0/1@e0:7'])
  start(0, { at: 'e0:7' }, 1)
  event(0, 8)
  say(0, { count: 2 })
  expect(open.at(-1)?.path).toBe('live#1/2@start')
  start(1, {}, 2)
  event(1, 1)
  expect(shown(seen)).toEqual(['started', 'seven', 'started', '0:8', '1:1'])
  expect(seen.at(-1)).toBe('1:1 at e0:8,e1:1')
})

test('an event that overtakes the answer of a function of the version before is shown once [TL-PART-7]', () => {
  const { open, seen, split, start, event } = play()
  const seven = { type: 'data', id: 'e0:7', data: { id: 'e0:7', data: 'seven' } }
  open[0]?.next(seven)
  split(2)
  open[1]?.next({ type: 'data', id: 'e0:8', data: { id: 'e0:8', data: '0:8' } })
  expect(open.slice(2).map(({ path }) => path)).toEqual(['live#0/1@e0:7'])
  start(0, { at: 'e0:7' }, 1)
  event(0, 8)
  expect(shown(seen)).toEqual(['seven', 'started', '0:8'])
})

test('an event whose callback throws is not shown again when its topic gets partitions [TL-PART-7]', () => {
  const onShown = () => {
    throw new Error('in onData')
  }
  const { open, split } = play({ onShown })
  open[0]?.next({ type: 'started' })
  const next = () => open[0]?.next({ type: 'data', id: 'e0:7', data: { id: 'e0:7', data: 'seven' } })
  expect(next).toThrow('in onData')
  split(2)
  open[1]?.fail({ partitions: { count: 2 } })
  expect(open.at(-2)?.path).toBe('live#0/2@e0:7')
})

test('all partitions that start again, as after a lost socket, are one start', () => {
  const { seen, split, start, of, event } = play()
  split(2)
  for (const index of [0, 1]) start(index)
  const lose = () => [0, 1].map((index) => of(index).next({ type: 'state', state: 'connecting', error: null }))
  lose()
  of(0).next({ type: 'started' })
  event(1, 1)
  lose()
  of(1).next({ type: 'started' })
  expect(shown(seen)).toEqual(['started', 'state', '1:1', 'state'])
  of(0).next({ type: 'started' })
  expect(shown(seen).at(-1)).toBe('started')
})

test('a partition whose connection is lost before the others have started need not start again', () => {
  const { seen, split, start, of } = play()
  split(2)
  start(0)
  of(0).next({ type: 'state', state: 'connecting', error: null })
  start(1)
  expect(seen).toEqual(['state', 'started'])
})

test('an error of one partition ends all, once', () => {
  const { errors, split, start, of, event, seen } = play()
  split(3)
  for (const index of [0, 1]) start(index)
  event(0, 1)
  of(1).fail({ code: 'FORBIDDEN' })
  of(0).fail({ code: 'FORBIDDEN' })
  expect(errors).toHaveLength(1)
  expect(of(2).isOver).toBe(true)
  expect(shown(seen)).toEqual(['0:1'])
})

test('an unsubscribe ends all, and nothing is shown after it', () => {
  const { split, start, of, event, seen, subscription } = play()
  split(2)
  for (const index of [0, 1]) start(index)
  subscription.unsubscribe()
  event(0, 1)
  expect([of(0).isOver, of(1).isOver]).toEqual([true, true])
  expect(seen).toEqual(['started'])
})

/** What may happen next: a partition starts, or its next event comes, or partitions are added. */
const moments = fc.array(fc.record({ partition: fc.nat(7), grows: fc.boolean() }), { maxLength: 80 })

test('whatever comes first: one start, each event once, in the order of its partition, after the state', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.boolean(), moments, (count, hasState, script) => {
      const { open, seen, split, start, say, event } = play()
      split(count, hasState)
      const offsets = new Map<number, number>()
      const started = new Set<number>()
      let total = count
      const isOpened = (index: number) => open.some((part) => part.index === index)
      const begin = (index: number) => {
        started.add(index)
        const isCarrier = hasState && open.find((part) => part.index === index)?.path.endsWith(`#${index}/${index + 1}`)
        start(index, isCarrier ? { state: true } : {}, total)
        if (isCarrier) event(index, 0, 'state')
      }
      const step = (index: number) => {
        if (!isOpened(index)) return
        if (!started.has(index)) return begin(index)
        offsets.set(index, (offsets.get(index) ?? 0) + 1)
        event(index, offsets.get(index) ?? 0)
      }
      for (const { partition, grows } of script) {
        if (grows && started.has(0) && total < 8) {
          total += 1
          say(0, { count: total })
        }
        step(partition)
      }
      for (let round = 0; round < 9; round++)
        for (let index = 0; index < total; index++) if (isOpened(index) && !started.has(index)) begin(index)
      const events = shown(seen).filter((each) => each !== 'started')
      expect(seen.filter((each) => each === 'started')).toHaveLength(1)
      if (hasState) expect(events.shift()).toBe('state')
      expect(events).not.toContain('state')
      for (let index = 0; index < total; index++) {
        const own = events.filter((each) => each.startsWith(`${index}:`))
        expect(own).toEqual(Array.from({ length: offsets.get(index) ?? 0 }, (_, at) => `${index}:${at + 1}`))
      }
    }),
  )
})
