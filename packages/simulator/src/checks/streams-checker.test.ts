import { expect, it } from 'vitest'
import { answerTopicOf, type StreamInput, streamRetentionMs, thrownMessage } from '../records/application.ts'
import type { StreamCall, StreamEvent, StreamSubscription } from '../records/history.ts'
import { createWorld } from '../world/create-world.ts'
import { checkStreams } from './streams-checker.ts'

const of = { onLost: 'continue', room: 'a' } as const
const input: StreamInput = { everyMs: 0, last: 3, throws: false }
const beganAt = createWorld({ seed: 1, allowed: [] }).kernel.now

/** One slot: its state, the numbers of its chunks, and how long after the first one it was put. */
interface Given {
  readonly state: object
  readonly chunks?: readonly (readonly [run: number, n: number])[]
  readonly afterMs?: number
}
const start: Given = { state: { at: 'waiting', e: 0, by: '', n: 0, first: 1 } }
const claim = (e = 1): Given => ({ state: { at: 'running', e, by: `w${e}`, n: 0, first: 1 } })
const put = (n: number, chunks: Given['chunks'] = [[1, n]], e = 1): Given => ({
  state: { ...claim(e).state, n },
  ...(chunks && { chunks }),
})
const close = (type: string, n = 3): Given => ({
  state: { ...claim().state, at: 'closed', n, outcome: { type, message: thrownMessage } },
})
/** A claim of a run that has a chunk. */
const continued: Given = { state: { ...claim(2).state, n: 1 } }
const log = [
  start,
  claim(),
  put(1),
  put(3, [
    [1, 2],
    [1, 3],
  ]),
  close('done'),
]

/** What breaks in a log, with what a reader received and how a stop was answered. */
function brokenIn(
  slots: readonly Given[],
  { reader, stop }: { readonly reader?: Partial<StreamSubscription>; readonly stop?: StreamCall['answer'] } = {},
): readonly string[] {
  const world = createWorld({ seed: 1, allowed: [] })
  const { history, table, report } = world
  history.streamCalls.push({ kind: 'ask', of, input, answer: { data: {}, length: 1 } })
  if (stop !== undefined) history.streamCalls.push({ kind: 'silence', of, input: undefined, answer: stop })
  for (const [index, { state, chunks, afterMs = 0 }] of slots.entries())
    table.operations.putSlot(answerTopicOf(of), {
      ...{ offset: index + 1, epoch: 'e', publishId: `p${index}`, state: JSON.stringify(state) },
      ...{ time: beganAt + afterMs, expires: beganAt / 1_000 + 200_000 },
      ...(chunks && { data: JSON.stringify(chunks.map(([run, n]) => ({ run, n }))) }),
    })
  const about = { device: 'd', path: 'answer' as const, of, isStock: false, events: [], ended: undefined }
  if (reader !== undefined) history.streamSubscriptions.push({ ...about, ...reader })
  checkStreams(world)
  return report.violations.map(({ rule, kind }) => `${rule} ${kind}`)
}

const again: Given = { state: { ...start.state, e: 1, first: 6, anew: true }, afterMs: streamRetentionMs + 20_000 }
it.each<[title: string, slots: readonly Given[], broken: readonly string[]]>([
  ['a run that is done', log, []],
  [
    'a run that continues in another function',
    [
      start,
      claim(),
      put(1),
      continued,
      put(
        3,
        [
          [2, 2],
          [2, 3],
        ],
        2,
      ),
    ],
    [],
  ],
  ['a slot behind the close', [...log, put(3, [])], ['H20 other']],
  ['two closes', [...log, close('stopped')], ['H20 other']],
  ['a start after the retention', [...log, again], []],
  ['a start before the end of the retention', [...log, { ...again, afterMs: 60_000 }], ['H20 other']],
  ['a claim that is left out', [start, claim(2)], ['H20 other']],
  ['a chunk twice', [start, claim(), put(1), put(2, [[1, 1]])], ['H20 other']],
  ['a chunk that is left out', [start, claim(), put(1, [[1, 2]])], ['H20 other']],
  ['a state that counts another chunk', [start, claim(), put(2, [[1, 1]])], ['H20 other']],
  ['chunks of two producers under one claim', [start, claim(), put(1), put(2, [[2, 2]])], ['H20 other']],
  ['an early end', [start, claim(), put(1), close('done', 1)], ['H20 other']],
])('the log has %s', (_, slots, broken) => {
  expect(brokenIn(slots)).toEqual(broken)
})

it('of a stream that closes when it is lost is claimed once', () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const closes = { onLost: 'close', room: 'a' } as const
  world.history.streamCalls.push({ kind: 'ask', of: closes, input, answer: undefined })
  for (const [index, { state }] of [start, claim(), claim(2)].entries())
    world.table.operations.putSlot(answerTopicOf(closes), {
      ...{ offset: index + 1, epoch: 'e', publishId: `p${index}`, state: JSON.stringify(state) },
      ...{ time: beganAt, expires: beganAt / 1_000 + 200_000 },
    })
  checkStreams(world)
  expect(world.report.violations.map(({ rule }) => rule)).toEqual(['H20'])
})

const seen = 5
const started: StreamEvent = { kind: 'started', seen: 1 }
const chunk = (n: number, run = 1): StreamEvent => ({ kind: 'chunk', seen, run, n })
const end = (outcome: string): StreamEvent => ({ kind: 'end', seen, outcome })
const gap: StreamEvent = { kind: 'gap', seen, reason: 'restarted' }
const error = (code: string, message = ''): StreamEvent => ({ kind: 'error', seen, code, message })
const all = [started, chunk(1), chunk(2), chunk(3)]
const restarted = [...log.slice(0, 3), { state: { ...claim(2).state, n: 0, first: 4, anew: true } }] as const
const rerun = [
  ...restarted,
  {
    state: { ...claim(2).state, n: 2, first: 4, anew: true },
    chunks: [
      [2, 1],
      [2, 2],
    ],
  },
] as const

it.each<[title: string, slots: readonly Given[], reader: Partial<StreamSubscription>, broken: readonly string[]]>([
  ['everything', log, { events: [...all, end('done')], ended: 'done' }, []],
  ['a chunk twice', log, { events: [...all, chunk(3), end('done')], ended: 'done' }, ['H20 doubled']],
  ['all but a chunk', log, { events: [started, chunk(1), chunk(3), end('done')], ended: 'done' }, ['H20 lost']],
  ['all but the last chunk', log, { events: [started, chunk(1), end('done')], ended: 'done' }, ['H20 lost']],
  ['another outcome', log, { events: [...all, end('stopped')], ended: 'done' }, ['H20 other']],
  ['no outcome', log, { events: all }, ['H5 lost']],
  ['an end that the log has not', log.slice(0, 4), { events: [...all, end('done')], ended: 'done' }, ['H20 other']],
  ['a chunk that the log has not', log.slice(0, 4), { events: [...all, chunk(4)] }, ['H8 other']],
  ['not all that is there', log.slice(0, 4), { events: [started, chunk(1)] }, ['H5 lost']],
  ['nothing', log.slice(0, 4), { events: [] }, ['H15 lost', 'H5 lost']],
  ['a second run behind a gap', rerun, { events: [started, chunk(1), gap, chunk(1, 2), chunk(2, 2)] }, []],
  ['a second run without a gap', rerun, { events: [started, chunk(1), chunk(1, 2), chunk(2, 2)] }, ['H20 unsignalled']],
  ['every second chunk', log, { path: 'evens', events: [started, chunk(2), end('done')], ended: 'done' }, []],
  ['a chunk that its filter excludes', log.slice(0, 3), { path: 'evens', events: [started, chunk(1)] }, ['H8 other']],
  ['its loss', [...log.slice(0, 3), close('lost', 1)], { events: [error('STREAM_LOST')], ended: 'error' }, []],
  ['a loss that the log has not', log, { events: [error('STREAM_LOST')], ended: 'error' }, ['H15 other']],
  ['its throw', [...log.slice(0, 4), close('failed')], { events: [error('', thrownMessage)], ended: 'error' }, []],
])('a reader receives %s', (_, slots, reader, broken) => {
  expect(brokenIn(slots, { reader })).toEqual(broken)
})

it('a stop that resolved has closed the stream', () => {
  expect(brokenIn(log, { stop: { data: { type: 'done' }, length: 5 } })).toEqual([])
  expect(brokenIn(log, { stop: { data: { type: 'done' }, length: 4 } })).toEqual(['H20 other'])
  expect(brokenIn(log, { stop: { data: { type: 'stopped' }, length: 5 } })).toEqual(['H20 other'])
})
