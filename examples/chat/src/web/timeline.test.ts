import { describe, expect, it } from 'vitest'
import type { MessageEvent } from '../server/schemas.ts'
import { type LoggedEvent, messagesOf, reduceTimeline, type Timeline, type TimelineAction } from './timeline.ts'

const posted = (id: string, author = 'ann', text = id): MessageEvent => ({
  type: 'posted',
  message: { id, author, text, at: 0 },
})
const logged = (n: number, data: MessageEvent): LoggedEvent => ({ id: `e:${n}`, data })
const live = (n: number, data: MessageEvent): TimelineAction => ({ type: 'received', received: logged(n, data) })
/** The first event of the subscription, at the position of the last event. */
const page = (events: readonly LoggedEvent[], older: string | null = null): TimelineAction => ({
  type: 'received',
  received: { id: events.at(-1)?.id ?? 'e:0', data: { type: 'page', events, older } },
})
const empty = page([])
const mine: TimelineAction = { type: 'confirmed', message: { id: 'm', author: 'ann', text: 'mine', at: 0 } }
const after = (...actions: readonly TimelineAction[]): Timeline => {
  const timeline = actions.reduce<Timeline | undefined>(reduceTimeline, undefined)
  if (timeline === undefined) throw new Error('expected a page among the actions')
  return timeline
}
const texts = (timeline: Timeline) => messagesOf(timeline).map((shown) => shown.message.text)

describe('a timeline', () => {
  it('does not exist before its first page', () => {
    expect(reduceTimeline(undefined, mine)).toBeUndefined()
    expect(texts(after(page([logged(1, posted('a'))])))).toEqual(['a'])
  })

  it('shows an event once when it is delivered repeatedly', () => {
    expect(texts(after(empty, live(1, posted('a')), live(1, posted('a')), live(2, posted('b'))))).toEqual(['a', 'b'])
  })

  it('stores and shows an event once that is in the page and also arrives live', () => {
    const first = page([logged(1, posted('a')), logged(2, posted('b'))])
    const timeline = after(first, live(2, posted('b')), live(3, posted('c')))
    expect(timeline.log.map(({ id }) => id)).toEqual(['e:1', 'e:2', 'e:3'])
    expect(texts(timeline)).toEqual(['a', 'b', 'c'])
  })

  it('shows a message once when a retry posted it twice', () => {
    expect(texts(after(empty, live(1, posted('a')), live(2, posted('b')), live(3, posted('a'))))).toEqual(['a', 'b'])
  })

  it('puts an older page before the known events', () => {
    const timeline = after(page([logged(3, posted('c'))], 'e:3'), {
      type: 'older',
      before: 'e:3',
      page: { events: [logged(1, posted('a')), logged(2, posted('b'))], older: null },
    })
    expect(texts(timeline)).toEqual(['a', 'b', 'c'])
    expect(timeline.older).toBeNull()
  })

  it('ignores an older page that was requested before a gap', () => {
    const older: TimelineAction = {
      type: 'older',
      before: 'e:2',
      page: { events: [logged(1, posted('a'))], older: null },
    }
    const timeline = after(page([logged(2, posted('b'))], 'e:2'), page([logged(9, posted('z'))], 'e:9'), older)
    expect(texts(timeline)).toEqual(['z'])
    expect(timeline.older).toBe('e:9')
  })

  it('applies a removal to a message that arrives later in an older page', () => {
    const gone = page([logged(2, { type: 'removed', id: 'a', author: 'ann' })], 'e:2')
    const older = { events: [logged(1, posted('a'))], older: null }
    expect(texts(after(gone, { type: 'older', before: 'e:2', page: older }))).toEqual([])
  })

  it('never shows a removed message again', () => {
    const gone: MessageEvent = { type: 'removed', id: 'a', author: 'ann' }
    expect(texts(after(empty, live(1, posted('a')), live(2, gone), live(3, posted('a'))))).toEqual([])
  })

  it('ignores changes of a message by another author', () => {
    const forged: MessageEvent = { type: 'edited', id: 'a', author: 'bob', text: 'forged' }
    expect(texts(after(empty, live(1, posted('a')), live(2, forged)))).toEqual(['a'])
  })

  it('marks an edited message and keeps its place', () => {
    const edit: MessageEvent = { type: 'edited', id: 'a', author: 'ann', text: 'better' }
    const shown = messagesOf(after(empty, live(1, posted('a')), live(2, posted('b')), live(3, edit)))
    expect(shown.map((s) => [s.message.text, s.edited])).toEqual([
      ['better', true],
      ['b', false],
    ])
  })

  it('shows a confirmed message at the end until its event arrives', () => {
    const early = [empty, live(1, posted('a')), mine]
    expect(texts(after(...early))).toEqual(['a', 'mine'])
    const late = after(...early, live(2, posted('m', 'ann', 'mine')), live(3, posted('b')))
    expect(texts(late)).toEqual(['a', 'mine', 'b'])
    expect(late.confirmed).toEqual([])
  })

  it('shows a message once when its answer arrives after its event', () => {
    expect(texts(after(empty, live(1, posted('m', 'ann', 'mine')), live(2, posted('b')), mine))).toEqual(['mine', 'b'])
  })

  it('starts again with the page after a gap, and drops confirmed messages', () => {
    const held = [page([logged(1, posted('a'))], 'e:1'), mine]
    const fresh = page([logged(8, posted('y')), logged(9, posted('z'))], 'e:8')
    expect(texts(after(...held, fresh))).toEqual(['y', 'z'])
  })

  it('shows an answer of the bot where it was asked, first without text and then as posted', () => {
    const asked: MessageEvent = { type: 'asked', id: 'x', asker: 'ann', prompt: 'why?', at: 0 }
    const begun = after(empty, live(1, asked), live(2, posted('b')))
    expect(messagesOf(begun)[0]).toMatchObject({
      asked: { id: 'x', asker: 'ann', prompt: 'why?' },
      message: { text: '' },
    })
    const forged = after(empty, live(1, asked), live(2, posted('b')), live(3, posted('x', 'eve', 'forged')))
    expect(texts(forged)).toEqual(['', 'b'])
    const answered = after(empty, live(1, asked), live(2, posted('b')), live(3, posted('x', 'bot', 'because')))
    expect(messagesOf(answered).map(({ asked, message }) => [asked, message.text])).toEqual([
      [undefined, 'because'],
      [undefined, 'b'],
    ])
  })
})
