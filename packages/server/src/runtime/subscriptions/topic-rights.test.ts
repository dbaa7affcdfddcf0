import { TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import {
  authBy,
  type Club,
  clubTopic,
  createClub,
  deferred,
  deliverLast,
  hereTopic,
  newsOf,
  publishIn,
  subscribeTo,
  syncFrom,
  watchedTopic,
} from './club.suite.ts'

const refusal = (id: unknown, room = 'x') => ({
  id,
  error: { message: `You are no member of ${room}.`, data: { code: 'FORBIDDEN' } },
})
const failure = (id: unknown, channel = 'club') => ({
  id,
  error: { message: `Channel ${channel} could not check who may subscribe. Try again later.` },
  line: { code: 'FUNCTION_FAILED', retry: 'later' },
})
const fail = () => {
  throw new Error('the list of members is away')
}

const throwForbidden = () => {
  throw new TRPCError({ code: 'FORBIDDEN', message: 'thrown' })
}

/** A club that records the requests to its table. */
function recorded() {
  const calls: string[] = []
  const made = createClub({
    store: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            calls.push(String(name))
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }) as Store,
  })
  return { made, took: () => calls.splice(0) }
}

const rowsOf = async ({ store }: Club, topic = clubTopic) => (await store.readSubscribers(topic, 0)).subscribers

describe('a subscribe to a channel with authorize', () => {
  test('asks once, by the key and the caller, and costs one read more [TL-RIGHT-1]', async () => {
    const { made, took } = recorded()
    const ann = await made.connect({ token: 'x' })
    took()
    await subscribeTo(ann, 'live')
    const guarded = took()
    expect(made.asked()).toEqual([{ room: 'x', principal: 'ann', rooms: ['x'] }])
    await subscribeTo(ann, 'open', { id: 8 })
    expect(guarded).toEqual(['readConnection', ...took()])
    expect(ann.frames()).toMatchObject([{ id: 7, result: { type: 'started' } }, { id: 8 }])
  })
  test('is refused with the reason, before anything is written, and begins nothing [TL-RIGHT-1]', async () => {
    const { made, took } = recorded()
    const ann = await made.connect({ token: 'y' })
    took()
    await subscribeTo(ann, 'live')
    expect(ann.frames()).toMatchObject([refusal(7)])
    expect(ann.frames()[0]).not.toHaveProperty('line') // it is the application's refusal
    expect(took()).toEqual(['readConnection'])
    await publishIn(made)
    await deliverLast(made)
    expect(newsOf(ann)).toBe(0)
  })
  test.each(['replayed', 'loud', 'page', 'onTyping', 'join', 'watch', 'watched'])(
    'is refused for %s too [TL-RIGHT-1]',
    async (path) => {
      const made = createClub()
      const ann = await made.connect({ token: 'y' })
      await subscribeTo(ann, path)
      expect(ann.frames()).toMatchObject([refusal(7)])
      expect(await made.store.readSubscriptions(ann.connectionId)).toEqual([])
    },
  )
  test('of an anonymous caller asks with the principal null and no claims [TL-RIGHT-1]', async () => {
    const made = createClub()
    const visitor = await made.connect({ token: 'nobody' })
    await subscribeTo(visitor, 'live')
    expect(made.asked()).toEqual([{ room: 'x', principal: null, rooms: undefined }])
    expect(visitor.frames()).toMatchObject([refusal(7)])
  })
  test('of a stock client is refused by an error, which ends it there [TL-RIGHT-1]', async () => {
    const made = createClub()
    const ann = await made.connect({ stock: true })
    await subscribeTo(ann, 'live', { id: 1 })
    expect(ann.frames()).toMatchObject([refusal(1)])
  })
  test('knows the claims of the last auth, not those of the handshake [TL-RIGHT-1]', async () => {
    const { made, took } = recorded()
    const ann = await made.connect({ token: 'y' })
    await authBy(ann, 'x')
    took()
    await subscribeTo(ann, 'live')
    expect(ann.frames()).toMatchObject([{ id: 7, result: { type: 'started' } }])
    expect(took().filter((name) => name === 'readConnection')).toHaveLength(1)
    await made.clock.advance(10_000)
    await authBy(ann, 'y')
    await subscribeTo(ann, 'live', { id: 8 })
    expect(ann.frames().at(-1)).toMatchObject(refusal(8))
    expect(await rowsOf(made)).toEqual([])
  })
  test('by a higher ref that is refused ends the earlier attempt [TL-RIGHT-1]', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'live')
    made.answerBy(() => 'The room is closed.')
    await subscribeTo(ann, 'live', { ref: 2 })
    expect(ann.frames().at(-1)).toMatchObject({ id: 7, error: { message: 'The room is closed.' } })
    await publishIn(made)
    await deliverLast(made)
    expect(newsOf(ann)).toBe(0)
  })
  test('whose connection cannot be read after its rows were put leaves none', async () => {
    const made = createClub({
      store: (inner) => ({
        ...inner,
        readConnectionAndShards: async () => {
          throw new Error('The table is away.')
        },
      }),
    })
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'live')
    expect(ann.frames()).toMatchObject([{ id: 7, error: {} }])
    expect(await rowsOf(made)).toEqual([])
    expect(await made.store.readSubscriptions(ann.connectionId)).toMatchObject([{ on: false }])
  })
  test('that is refused keeps a late write of an earlier attempt off', async () => {
    let putLate = async (): Promise<unknown> => undefined
    const made = createClub({
      store: (inner) => ({
        ...inner,
        putSubscriber: async (row) => {
          if (row.ref > 1) return inner.putSubscriber(row)
          putLate = () => inner.putSubscriber(row)
          throw new Error('No answer.')
        },
      }),
    })
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'live')
    await authBy(ann, 'y')
    await subscribeTo(ann, 'live', { ref: 2 })
    expect(ann.frames()).toMatchObject([{ id: 7, error: {} }, refusal(7)])
    expect(await putLate()).toBe('newer')
    expect(await rowsOf(made)).toEqual([])
  })
  test('that an auth ends while its state is loaded is not answered with the state [LAW-RIGHTS]', async () => {
    const loading = deferred<unknown>()
    const made = createClub({ load: () => loading.promise })
    const ann = await made.connect({ token: 'x' })
    const answered = subscribeTo(ann, 'page')
    await settle()
    expect(await authBy(ann, 'y')).toMatchObject([refusal(7), { result: { type: 'authorized' } }])
    await made.clock.advance(1_501)
    loading.resolve({ secret: true })
    await answered
    expect(ann.frames()).toEqual([])
  })
  test('whose answer cannot be posted within 3 s is not posted later [LAW-RIGHTS]', async () => {
    const made = createClub()
    await publishIn(made)
    const ann = await made.connect({ token: 'x' })
    let posts = 0
    made.gateway.intercept = () => {
      posts += 1
      return { status: 'throttled' }
    }
    const answered = subscribeTo(ann, 'replayed')
    await settle()
    for (let n = 0; n < 36; n++) await made.clock.advance(100)
    const tried = posts
    await made.clock.advance(6_000)
    await answered
    expect(tried).toBeGreaterThan(1)
    expect(posts).toBe(tried)
  })
  test('may ask by a promise, or by what only has a then', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'y' })
    made.answerBy(async () => true)
    await subscribeTo(ann, 'live')
    // biome-ignore lint/suspicious/noThenProperty: as query builders of database libraries
    made.answerBy(() => ({ then: (resolve: (answer: true) => void) => resolve(true) }))
    await subscribeTo(ann, 'live', { id: 8 })
    expect(ann.frames()).toMatchObject([{ result: { type: 'started' } }, { result: { type: 'started' } }])
  })
  test.each<[string, (...args: never[]) => unknown, string]>([
    ['throws', fail, 'the list of members is away'],
    ['rejects', async () => fail(), 'the list of members is away'],
    ['throws FORBIDDEN', throwForbidden, 'thrown'],
    ['returns false', () => false, 'Expected authorize of channel club to return true or a reason, got false.'],
    [
      'returns nothing',
      () => undefined,
      'Expected authorize of channel club to return true or a reason, got undefined.',
    ],
    [
      'returns no reason',
      () => '',
      'Expected authorize of channel club to return true or a reason, got an empty text.',
    ],
    ['returns an object', () => ({}), 'Expected authorize of channel club to return true or a reason, got object.'],
  ])('whose authorize %s is neither allowed nor refused: it can be repeated [TL-RIGHT-2]', async (_, answer, cause) => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    made.answerBy(answer as never)
    await subscribeTo(ann, 'live')
    expect(ann.frames()).toMatchObject([failure(7)])
    expect(JSON.stringify(ann.frames())).not.toContain('members')
    expect(made.failures).toMatchObject([{ cause: expect.stringContaining(cause) }])
    expect(await rowsOf(made)).toEqual([])
  })
  test('whose authorize hangs fails after 3 s [TL-RIGHT-2]', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    made.answerBy(() => new Promise(() => {}))
    const answered = subscribeTo(ann, 'live')
    await settle()
    await made.clock.advance(2_999)
    expect(ann.frames()).toEqual([])
    await made.clock.advance(2)
    await answered
    expect(ann.frames()).toMatchObject([failure(7)])
    expect(await rowsOf(made)).toEqual([])
  })
  test('is not asked for channels without it, nor for publish and read', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'y' })
    await subscribeTo(ann, 'open')
    await ann.send({ id: 1, method: 'query', params: { path: 'read', input: { room: 'x' } } })
    await ann.send({ id: 2, method: 'mutation', params: { path: 'post', input: { room: 'x' } } })
    await made.asScript(() => made.channels.club.read({ room: 'x' }))
    expect(made.asked()).toEqual([])
  })
})

describe('a resume', () => {
  test('is refused as a subscribe is, with none of the events [TL-RIGHT-1]', async () => {
    const made = createClub()
    const first = await publishIn(made)
    await publishIn(made)
    for (const stock of [false, true]) {
      const ann = await made.connect(stock ? { stock } : { token: 'y' })
      await subscribeTo(ann, 'live', { lastEventId: first.id })
      expect(ann.frames()).toMatchObject([refusal(7)])
    }
  })
})

describe('a sync', () => {
  async function live(path = 'live') {
    const { made, took } = recorded()
    const ann = await made.connect({ token: 'x,y' })
    await subscribeTo(ann, path)
    const { from } = (ann.frames()[0] as { readonly result: { readonly from: string } }).result
    made.asked()
    took()
    return { made, ann, from, took }
  }
  test('asks again, reads the connection once for it, and answers as before [TL-RIGHT-1]', async () => {
    const { made, ann, from, took } = await live()
    await publishIn(made)
    took()
    expect(await syncFrom(ann, from)).toMatchObject([
      { result: { type: 'synced' } },
      { result: { type: 'data' } },
      { id: 's' },
    ])
    expect(made.asked()).toEqual([{ room: 'x', principal: 'ann', rooms: ['x', 'y'] }])
    expect(took().filter((name) => name === 'readConnection')).toHaveLength(1)
  })
  test('that is refused ends the subscription and answers with no event [TL-RIGHT-1]', async () => {
    const { made, ann, from } = await live()
    await publishIn(made)
    made.answerBy(() => 'The room is closed.')
    expect(await syncFrom(ann, from)).toMatchObject([
      { id: 7, error: { message: 'The room is closed.', data: { code: 'FORBIDDEN' } } },
      { id: 's' },
    ])
    await deliverLast(made)
    expect(newsOf(ann)).toBe(0)
    expect(await made.store.readSubscriptions(ann.connectionId)).toMatchObject([{ on: false }])
  })
  test('that cannot ask answers with an error to repeat, and the subscription stays [TL-RIGHT-2]', async () => {
    const { made, ann, from } = await live()
    made.answerBy(fail)
    expect(await syncFrom(ann, from)).toMatchObject([failure(7), { id: 's' }])
    expect(await rowsOf(made)).toHaveLength(1)
  })
  test('asks once for several subscriptions to one topic', async () => {
    const { made, ann, from, took } = await live()
    await subscribeTo(ann, 'live', { id: 8 })
    made.asked()
    took()
    const subscriptions = [7, 8].map((id) => ({ id, ref: 1, from }))
    await ann.send({ id: 's', method: 'sync', params: { subscriptions } })
    expect(made.asked()).toHaveLength(1)
    expect(took().filter((name) => name === 'readConnection')).toHaveLength(1)
  })
  test('reads no connection where no channel asks', async () => {
    const { ann, from, took } = await live('open')
    await syncFrom(ann, from)
    expect(took()).not.toContain('readConnection')
  })
  test('that took long leaves out what an auth has ended meanwhile [LAW-RIGHTS]', async () => {
    const { made, ann, from } = await live()
    await publishIn(made)
    const [asked, answer] = [deferred(), deferred<true>()]
    made.answerBy(() => {
      asked.resolve()
      return answer.promise
    })
    const synced = syncFrom(ann, from)
    await asked.promise
    made.answerBy(() => 'gone')
    await authBy(ann, 'y')
    await made.clock.advance(1_600)
    answer.resolve(true)
    expect(await synced).toMatchObject({ id: 's', result: { type: 'data' } })
  })
})

describe('an auth with other claims', () => {
  async function subscribed(...paths: readonly string[]) {
    const { made, took } = recorded()
    const ann = await made.connect({ token: 'x,y' })
    for (const [index, path] of paths.entries()) await subscribeTo(ann, path, { id: index + 1 })
    made.asked()
    took()
    return { made, ann, took }
  }
  test('ends what the new claims do not allow, with the reason before its own answer [TL-RIGHT-3]', async () => {
    const { made, ann } = await subscribed('live', 'open', 'live')
    await subscribeTo(ann, 'live', { id: 4, room: 'y' })
    made.asked()
    expect(await authBy(ann, 'y')).toMatchObject([refusal(1), refusal(3), { id: 'a', result: { type: 'authorized' } }])
    expect(made.asked()).toEqual([
      { room: 'x', principal: 'ann', rooms: ['y'] },
      { room: 'y', principal: 'ann', rooms: ['y'] },
    ])
    await publishIn(made)
    await deliverLast(made)
    expect(newsOf(ann)).toBe(0)
    await publishIn(made, 'club', 'y')
    await deliverLast(made, 'club?room=s:y')
    expect(newsOf(ann)).toBe(1)
    const rows = await made.store.readSubscriptions(ann.connectionId)
    expect(rows.map(({ id, on }) => [id, on])).toEqual([
      ['1', false],
      ['2', true],
      ['3', false],
      ['4', true],
    ])
  })
  test('asks nobody while the claims stay the same', async () => {
    const { made, ann, took } = await subscribed('live', 'watched')
    expect(await authBy(ann, 'x,y')).toMatchObject({ result: { type: 'authorized' } })
    expect(made.asked()).toEqual([])
    expect(took()).toEqual(['readConnection', 'renewConnection', 'readRestrictions'])
  })
  test('writes only the rows that hold claims: those with filter, map or recheck', async () => {
    const { made, ann, took } = await subscribed('live', 'open', 'loud', 'openLoud', 'watched', 'onTyping')
    await authBy(ann, 'x')
    expect(took()).toEqual([
      ...['readConnection', 'renewConnection', 'readRestrictions', 'readSubscriptions'],
      ...['setSubscriberClaims', 'setSubscriberClaims', 'setSubscriberClaims', 'settleClaims'],
    ])
    const rows = await Promise.all(['open?room=s:x', clubTopic, watchedTopic].map((topic) => rowsOf(made, topic)))
    const claims = rows.flat().flatMap(({ piped }) => piped?.claims ?? [])
    expect(claims).toEqual(Array(3).fill('{"rooms":["x"]}'))
  })
  test('ends a presence session at once', async () => {
    const { made, ann } = await subscribed('join')
    expect(await authBy(ann, 'y')).toMatchObject([refusal(1), { id: 'a' }])
    const member = await made.store.readPresence(hereTopic, 'ann')
    expect(Object.values(member?.sessions ?? {})).toMatchObject([{ leaving: true, lease: made.clock.now() }])
    expect(made.delayed).toEqual([{ presence: { topic: hereTopic, member: 'ann' } }])
  })
  test('whose authorize fails ends the subscription with an error to repeat, and reports it once [TL-RIGHT-2]', async () => {
    const { made, ann } = await subscribed('live', 'onTyping', 'open')
    made.answerBy(fail)
    expect(await authBy(ann, 'y')).toMatchObject([failure(1), failure(2, 'typing'), { result: { type: 'authorized' } }])
    expect(made.failures).toMatchObject([{ cause: 'the list of members is away', count: 2 }])
    expect(await rowsOf(made)).toEqual([])
    made.answerBy(() => true)
    await subscribeTo(ann, 'live', { id: 1, ref: 2 })
    expect(ann.frames().at(-1)).toMatchObject({ id: 1, result: { type: 'started' } })
  })
  test('ends within 2.5 s what is not decided by then [TL-RIGHT-2] [TL-RIGHT-3]', async () => {
    const { made, ann } = await subscribed('live', 'open')
    made.answerBy(() => new Promise(() => {}))
    const answer = authBy(ann, 'y')
    await settle()
    await made.clock.advance(2_501)
    expect(await answer).toMatchObject([failure(1), { result: { type: 'authorized' } }])
    expect(await rowsOf(made)).toEqual([])
  })
  test('of 2,000 subscriptions ends each of them, and asks once for each topic', async () => {
    const { made, ann } = await subscribed()
    for (let n = 0; n < 2_000; n++) {
      const row = { connectionId: ann.connectionId, id: `${n}`, ref: 1, shard: 0, expires: made.clock.now() }
      const topic = `club?room=s:${n % 1_000}`
      await made.store.claimSubscription({ ...row, topic })
      await made.store.putSubscriber({ ...row, topic, on: true, path: 'live', extensions: true })
    }
    const last = await authBy(ann, 'y')
    const chunks = [...ann.frames(), last] as readonly { readonly params: { readonly text: string } }[]
    const answers = JSON.parse(chunks.map(({ params }) => params.text).join('')) as readonly unknown[]
    expect(answers).toHaveLength(2_001)
    expect(answers.at(-1)).toMatchObject({ id: 'a', result: { type: 'authorized' } })
    expect(made.asked()).toHaveLength(1_000)
    expect((await made.store.readSubscriptions(ann.connectionId)).every(({ on }) => !on)).toBe(true)
    expect(made.failures).toMatchObject([{ message: 'You are no member of 0.', count: 2_000 }])
  })
  test('whose table fails is answered with that, and the next auth does the rest', async () => {
    let isAway = false
    const made = createClub({
      store: (inner) => ({
        ...inner,
        stopSubscription: async (stop) => {
          if (isAway && stop.id === '2') throw new Error('The table is away.')
          return inner.stopSubscription(stop)
        },
      }),
    })
    const ann = await made.connect({ token: 'x,y' })
    for (const id of [1, 2, 3]) await subscribeTo(ann, 'live', { id })
    isAway = true
    expect(await authBy(ann, 'y')).toMatchObject([refusal(1), refusal(3), { id: 'a', error: {} }])
    await publishIn(made)
    await deliverLast(made)
    expect(newsOf(ann)).toBe(0) // the topics' rows are stopped first
    isAway = false
    await made.clock.advance(10_000)
    expect(await authBy(ann, 'y')).toMatchObject([refusal(2), { id: 'a', result: { type: 'authorized' } }])
  })
})

describe('the rows of a channel with recheck', () => {
  test('hold the claims, and others do not', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'watched')
    await subscribeTo(ann, 'live', { id: 8 })
    const piped = { principal: 'ann', claims: '{"rooms":["x"]}', rechecked: 'only' }
    expect(await rowsOf(made, watchedTopic)).toMatchObject([{ piped }])
    expect((await rowsOf(made))[0]).not.toHaveProperty('piped')
  })
  test('hold at most 4,096 bytes: a subscribe with more is refused before anything is written [TL-RIGHT-5]', async () => {
    const { made, took } = recorded()
    const bytesOf = (pad: number) => JSON.stringify({ rooms: ['x'], pad: 'x'.repeat(pad) }).length
    const fits = 4_096 - bytesOf(0)
    const ann = await made.connect({ token: `x ${fits}` })
    await subscribeTo(ann, 'watched')
    expect(ann.frames()).toMatchObject([{ result: { type: 'started' } }])
    const bob = await made.connect({ token: `x ${fits + 1}` })
    took()
    await subscribeTo(bob, 'watched')
    expect(bob.frames()).toMatchObject([
      {
        id: 7,
        error: { message: expect.stringContaining('The claims of this connection have 4097 bytes; at most 4096') },
        line: { code: 'TOO_LARGE', retry: 'never' },
      },
    ])
    expect(took()).toEqual([])
    await subscribeTo(bob, 'live')
    expect(bob.frames().at(-1)).toMatchObject({ result: { type: 'started' } })
  })
  test('end at an auth with larger claims [TL-RIGHT-5]', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    await subscribeTo(ann, 'watched')
    await subscribeTo(ann, 'live', { id: 8 })
    expect(await authBy(ann, 'x 5000')).toMatchObject([
      { id: 7, line: { code: 'TOO_LARGE' } },
      { id: 'a', result: {} },
    ])
  })
  test('are not put under larger claims of an auth that came before [TL-RIGHT-5]', async () => {
    const made = createClub()
    const ann = await made.connect({ token: 'x' })
    await authBy(ann, 'x 5000')
    await subscribeTo(ann, 'watched')
    expect(ann.frames()).toMatchObject([{ id: 7, line: { code: 'TOO_LARGE' } }])
    expect(await rowsOf(made, watchedTopic)).toEqual([])
    expect(await made.store.readSubscriptions(ann.connectionId)).toEqual([])
  })
})
