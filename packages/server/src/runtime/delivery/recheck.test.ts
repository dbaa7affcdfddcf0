import { describe, expect, test } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import {
  authBy,
  type Club,
  clubTopic,
  createClub,
  deliverLast,
  newsOf,
  publishIn,
  subscribeTo,
  watchedTopic,
} from '../subscriptions/club.suite.ts'
import { withOperations } from '../subscriptions/room.suite.ts'

const closed = { error: { message: 'The room is closed.', data: { code: 'FORBIDDEN' } } }
const fail = () => {
  throw new Error('the list of members is away')
}

async function subscribed(path: string, { stock = false } = {}) {
  const made = createClub()
  const ann = await made.connect(stock ? { stock } : { token: 'x' })
  if (stock) made.answerBy(() => true)
  await subscribeTo(ann, path)
  made.asked()
  return { made, ann }
}

async function publishAndDeliver(made: Club): Promise<void> {
  await publishIn(made, 'watched')
  await deliverLast(made, watchedTopic)
}

describe('a delivery of a channel with recheck', () => {
  test.each(['watched', 'watchedLoud'])('asks for each subscription, and posts to %s [TL-RIGHT-4]', async (path) => {
    const { made, ann } = await subscribed(path)
    await publishAndDeliver(made)
    expect(made.asked()).toEqual([{ room: 'x', principal: 'ann', rooms: ['x'] }])
    expect(newsOf(ann)).toBe(1)
  })
  test('asks once for one principal with the same claims', async () => {
    const { made, ann } = await subscribed('watched')
    const other = await made.connect({ token: 'x' })
    await subscribeTo(other, 'watched')
    await subscribeTo(other, 'watched', { id: 8 })
    made.asked()
    await publishAndDeliver(made)
    expect(made.asked()).toHaveLength(1)
    expect([newsOf(ann), newsOf(other)]).toEqual([1, 2])
  })
  test('asks by the claims of the last auth', async () => {
    const { made, ann } = await subscribed('watched')
    await authBy(ann, 'x,z')
    made.asked()
    await publishAndDeliver(made)
    expect(made.asked()).toEqual([{ room: 'x', principal: 'ann', rooms: ['x', 'z'] }])
  })
  test('does not ask for channels without recheck', async () => {
    const { made, ann } = await subscribed('live')
    await publishIn(made)
    await deliverLast(made)
    expect(made.asked()).toEqual([])
    expect(newsOf(ann)).toBe(1)
  })
  test.each([
    ['watched', false],
    ['watchedLoud', false],
    ['watched', true],
    ['watchedLoud', true],
  ])(
    'that is refused posts nothing to %s (stock: %s), and ends it with the reason [TL-RIGHT-4]',
    async (path, stock) => {
      const { made, ann } = await subscribed(path, { stock })
      made.answerBy(() => 'The room is closed.')
      await publishAndDeliver(made)
      await publishAndDeliver(made)
      expect(newsOf(ann)).toBe(0)
      expect(ann.frames().slice(1)).toMatchObject([{ id: 7, ...closed }])
      expect(await made.store.readSubscriptions(ann.connectionId)).toMatchObject([{ on: false }])
      expect((await made.store.readSubscribers(watchedTopic, 0)).subscribers).toEqual([])
    },
  )
  test('of an ephemeral channel is refused in the same way [TL-RIGHT-4]', async () => {
    const { made, ann } = await subscribed('onWatchedTyping')
    const publish = () =>
      made.line.withBackend(made.backend, () =>
        made.handlers.deliver({ topic: 'watched.typing?room=s:x', data: '{"text":"NEWS"}' }, {}),
      )
    await publish()
    expect(newsOf(ann)).toBe(1)
    made.answerBy(() => 'The room is closed.')
    await publish()
    expect(newsOf(ann)).toBe(1)
    expect(ann.frames().at(-1)).toMatchObject({ id: 7, ...closed })
  })
  test('whose authorize fails twice is a fault: the client gets no event, and stays subscribed [TL-RIGHT-2]', async () => {
    const { made, ann } = await subscribed('watched')
    made.answerBy(fail)
    await publishAndDeliver(made)
    expect(made.asked()).toHaveLength(2)
    expect(ann.frames().at(-1)).toMatchObject({ id: 7, result: { type: 'fault' } })
    expect(made.failures).toMatchObject([{ cause: 'the list of members is away' }])
    made.answerBy(() => true)
    await publishAndDeliver(made)
    expect(newsOf(ann)).toBe(1)
  })
  test('whose authorize fails once posts the event', async () => {
    const { made, ann } = await subscribed('watched')
    let asks = 0
    made.answerBy(() => (asks++ === 0 ? fail() : true))
    await publishAndDeliver(made)
    expect(newsOf(ann)).toBe(1)
  })
  test('to a stock client whose authorize fails is made again later [TL-RIGHT-2]', async () => {
    const { made, ann } = await subscribed('watched', { stock: true })
    made.answerBy(fail)
    await publishAndDeliver(made)
    expect(ann.frames()).toHaveLength(1)
    expect(made.failures.length).toBeGreaterThan(0)
    made.answerBy(() => true)
    await publishAndDeliver(made)
    expect(newsOf(ann)).toBe(2)
  })
  test('whose authorize hangs does not delay others, and is made again [TL-RIGHT-2]', async () => {
    const { made, ann } = await subscribed('watched')
    const bob = await made.connect({ token: 'x,z' })
    await subscribeTo(bob, 'watched')
    made.answerBy((_, { claims }) => (JSON.stringify(claims).includes('z') ? true : new Promise(() => {})))
    await publishIn(made, 'watched')
    const delivered = deliverLast(made, watchedTopic)
    await settle()
    expect(newsOf(bob)).toBe(1)
    await made.clock.advance(3_001)
    await delivered
    expect(newsOf(ann)).toBe(0)
    expect([...made.delayed, ...made.invoked]).toHaveLength(1)
  })
})

describe('[LAW-RIGHTS]: a delivery that read its rows before an auth ended them', () => {
  /** Rows are read, then `between` happens, then the rest of the delivery. */
  function reading(between: (made: Club) => Promise<void>) {
    let made: Club | undefined
    let isPaused = false
    const reads: string[] = []
    const store = (inner: Store) =>
      withOperations(inner, (own) => ({
        readSubscribers: async (...args) => {
          const page = await own.readSubscribers(...args)
          if (made !== undefined && isPaused) await between(made)
          return page
        },
        readSubscriber: async (row) => {
          reads.push(row.id)
          return own.readSubscriber(row)
        },
      }))
    made = createClub({ store })
    const pause = () => {
      isPaused = true
    }
    return { made, reads, pause }
  }
  test('reads them again after 1.5 s, and posts nothing for those that have ended [TL-RIGHT-3]', async () => {
    const { made, reads, pause } = reading(async ({ clock }) => {
      await authBy(ann, 'y')
      await clock.advance(1_501)
    })
    const ann = await made.connect({ token: 'x,y' })
    const bob = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'live')
    await subscribeTo(bob, 'live')
    await publishIn(made)
    pause()
    await deliverLast(made)
    expect([newsOf(ann), newsOf(bob)]).toEqual([0, 1])
    expect(reads).toEqual(['7', '7'])
  })
  test('does not read them again within 1.5 s, nor rows of other channels at all', async () => {
    const { made, reads, pause } = reading(({ clock }) => clock.advance(delay))
    let delay = 1_500
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'live')
    await subscribeTo(ann, 'open', { id: 8 })
    pause()
    await publishIn(made)
    await deliverLast(made)
    delay = 20_000
    await publishIn(made, 'open')
    await deliverLast(made, 'open?room=s:x')
    expect(reads).toEqual([])
    expect(newsOf(ann)).toBe(2)
  })
  test.each([false, true])('gives up a post that takes longer than 3 s (stock: %s)', async (stock) => {
    const made = createClub()
    const ann = await made.connect(stock ? { stock } : { token: 'x' })
    if (stock) made.answerBy(() => true)
    await subscribeTo(ann, 'live')
    await publishIn(made)
    let posts = 0
    made.gateway.intercept = () => {
      posts += 1
      return { status: 'throttled' }
    }
    let isDone = false
    const delivered = deliverLast(made).then(() => {
      isDone = true
    })
    await settle()
    const [row] = await made.store.readSubscriptions(ann.connectionId)
    if (row !== undefined) await made.store.stopSubscriber({ ...row, topic: clubTopic, shard: 0 })
    for (let n = 0; n < 31; n++) await made.clock.advance(100)
    const tried = posts
    while (!isDone) await made.clock.advance(100)
    await delivered
    expect(tried).toBeGreaterThan(1)
    expect(posts).toBe(tried)
    expect(newsOf(ann)).toBe(0)
  })
  test('reads a stock client’s row again under its lock', async () => {
    const made = createClub()
    const ann = await made.connect({ stock: true })
    made.answerBy(() => true)
    await subscribeTo(ann, 'live')
    for (let n = 0; n < 3; n++) await publishIn(made)
    made.gateway.intercept = async () => {
      if (newsOf(ann) === 1) {
        const [row] = await made.store.readSubscriptions(ann.connectionId)
        if (row === undefined) throw new Error('Expected a row.')
        await made.store.stopSubscriber({ ...row, topic: clubTopic, shard: 0 })
        await made.clock.advance(1_501)
      }
      return undefined
    }
    await deliverLast(made)
    expect(newsOf(ann)).toBe(2) // the post that had begun
  })
})
