import { describe, expect, it } from 'vitest'
import type { MessageEvent } from '../server/schemas.ts'
import {
  emptyTimeline,
  type LoggedEvent,
  messagesOf,
  reduceTimeline,
  type Timeline,
  type TimelineAction,
} from './timeline.ts'

const posted = (id: string, author = 'ann', text = id): MessageEvent => ({
  type: 'posted',
  message: { id, author, text, at: 0 },
})
const logged = (n: number, data: MessageEvent): LoggedEvent => ({ id: `e:${n}`, data })
const live = (n: number, data: MessageEvent): TimelineAction => ({ type: 'live', event: logged(n, data) })
const after = (...actions: readonly TimelineAction[]): Timeline => actions.reduce(reduceTimeline, emptyTimeline)
const texts = (timeline: Timeline) => messagesOf(timeline).map((shown) => shown.message.text)

describe('a timeline', () => {
  it('shows an event once, however often it is delivered', () => {
    expect(texts(after(live(1, posted('a')), live(1, posted('a')), live(2, posted('b'))))).toEqual(['a', 'b'])
  })

  it('shows a message once, though it was posted twice by a retry', () => {
    expect(texts(after(live(1, posted('a')), live(2, posted('b')), live(3, posted('a'))))).toEqual(['a', 'b'])
  })

  it('puts an older page before what it holds', () => {
    const page = { events: [logged(1, posted('a')), logged(2, posted('b'))], older: null }
    const timeline = after(live(3, posted('c')), { type: 'page', page })
    expect(texts(timeline)).toEqual(['a', 'b', 'c'])
    expect(timeline.complete).toBe(true)
  })

  it('takes from an overlapping page only what lies before the held run', () => {
    const page = { events: [logged(1, posted('a')), logged(2, posted('b')), logged(3, posted('c'))], older: null }
    expect(texts(after(live(2, posted('b')), { type: 'page', page }, live(3, posted('c'))))).toEqual(['a', 'b', 'c'])
  })

  it('applies a removal to a message that an older page brings later', () => {
    const page = { events: [logged(1, posted('a'))], older: null }
    expect(texts(after(live(2, { type: 'removed', id: 'a', author: 'ann' }), { type: 'page', page }))).toEqual([])
  })

  it('never brings a removed message back', () => {
    const gone: MessageEvent = { type: 'removed', id: 'a', author: 'ann' }
    expect(texts(after(live(1, posted('a')), live(2, gone), live(3, posted('a'))))).toEqual([])
  })

  it('lets nobody change a message of another', () => {
    const forged: MessageEvent = { type: 'edited', id: 'a', author: 'bob', text: 'forged' }
    expect(texts(after(live(1, posted('a')), live(2, forged)))).toEqual(['a'])
  })

  it('marks an edited message and keeps its place', () => {
    const edit: MessageEvent = { type: 'edited', id: 'a', author: 'ann', text: 'better' }
    const shown = messagesOf(after(live(1, posted('a')), live(2, posted('b')), live(3, edit)))
    expect(shown.map((s) => [s.message.text, s.edited])).toEqual([
      ['better', true],
      ['b', false],
    ])
  })

  it('shows a confirmed message at the end until its event says where it stands', () => {
    const mine: TimelineAction = { type: 'confirmed', message: { id: 'm', author: 'ann', text: 'mine', at: 0 } }
    const early = after(live(1, posted('a')), mine)
    expect(texts(early)).toEqual(['a', 'mine'])
    const late = [live(2, posted('m', 'ann', 'mine')), live(3, posted('b'))].reduce(reduceTimeline, early)
    expect(texts(late)).toEqual(['a', 'mine', 'b'])
  })

  it('starts afresh after a gap', () => {
    const timeline = after(live(1, posted('a')), { type: 'gap' }, live(9, posted('z')))
    expect(texts(timeline)).toEqual(['z'])
    expect(timeline.complete).toBe(false)
  })
})
