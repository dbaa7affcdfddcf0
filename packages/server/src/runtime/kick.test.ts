import { describe, expect, test, vi } from 'vitest'
import { settle } from '../lambda/test-line.suite.ts'
import { publicSessionId } from './context/public-session.ts'
import { createKickLine, hour } from './kick-line.suite.ts'

const said = vi.spyOn(console, 'info').mockImplementation(() => {}) // a script writes its audit events there

const start = 1_800_000_000_000
const query = (path: string) => ({ id: 1, method: 'query', params: { path } })
const live = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }
const hello = { id: 'h', method: 'hello' }
const reason = 'spam'
const kicked = (rest: object = {}) => ({ id: null, method: 'kicked', params: { reason, time: start, ...rest } })
const later = new Date(start + hour)

describe('a kick', () => {
  test('of a connection tells its client why, closes its socket and removes its rows [TL-KICK-1]', async () => {
    const line = createKickLine()
    const [ann, tab] = [await line.connect({ token: 'ann' }), await line.connect({ token: 'ann' })]
    for (const each of [ann, tab]) await each.send(live)
    expect(await line.kick({ connection: ann.connectionId, reason })).toEqual({ connections: 1 })
    expect(ann.frames().at(-1)).toEqual(kicked())
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect(await line.isOpen(tab.connectionId)).toBe(true)
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ state: 'CLOSED', kicked: { reason } })
    const { subscribers } = await line.store.readSubscribers('chat?room=s:x', 0)
    expect(subscribers.map(({ connectionId }) => connectionId)).toEqual([tab.connectionId])
    expect((await line.connections('ann')).map(({ connectionId }) => connectionId)).toEqual([tab.connectionId])
  })
  test('of an anonymous connection closes it', async () => {
    const line = createKickLine()
    const guest = await line.connect()
    expect(await line.kick({ connection: guest.connectionId, reason })).toEqual({ connections: 1 })
    expect(guest.frames()).toEqual([kicked()])
    expect(await line.isOpen(guest.connectionId)).toBe(false)
  })
  test('of a principal closes all its connections and no other, and lets it connect again', async () => {
    const line = createKickLine()
    const [ann, tab, bob] = [
      await line.connect({ token: 'ann' }),
      await line.connect({ token: 'ann' }),
      await line.connect({ token: 'bob' }),
    ]
    expect(await line.kick({ principal: 'ann', reason })).toEqual({ connections: 2 })
    for (const each of [ann, tab]) expect(await line.isOpen(each.connectionId)).toBe(false)
    expect(await line.isOpen(bob.connectionId)).toBe(true)
    expect((await line.connect({ token: 'ann' })).result).toMatchObject({ statusCode: 200 })
  })
  test('of a session closes the connections of this session alone', async () => {
    const line = createKickLine()
    const session = 'session-of-ann-0123456789'
    const ann = await line.connect({ token: 'ann', session })
    const phone = await line.connect({ token: 'ann' })
    const ban = { principal: 'ann', session: publicSessionId(session), reason, ban: later }
    expect(await line.kick(ban)).toEqual({ connections: 1 })
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect(await line.isOpen(phone.connectionId)).toBe(true)
    expect((await line.connect({ token: 'ann', session })).result).toEqual({ statusCode: 403 })
    expect((await line.connect({ token: 'ann' })).result).toMatchObject({ statusCode: 200 })
  })
  test('closes a stock client without a frame that it does not know [TL-HS-5]', async () => {
    const line = createKickLine()
    const ann = await line.connect({ stock: true })
    await line.kick({ connection: ann.connectionId, reason })
    expect(ann.frames()).toEqual([])
    expect(await line.isOpen(ann.connectionId)).toBe(false)
  })
  test('works in a procedure, also of its own caller', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await ann.send({ id: 1, method: 'mutation', params: { path: 'kickMe' } })
    expect(ann.frames()).toEqual([kicked({ reason: 'asked for it' })])
    expect(await line.isOpen(ann.connectionId)).toBe(false)
  })
  test('is safe to repeat, and counts only connections that were open', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect({ token: 'ann' })
    await line.clock.advance(20_000)
    expect(await line.kick({ connection: connectionId, reason })).toEqual({ connections: 1 })
    expect(await line.kick({ connection: connectionId, reason })).toEqual({ connections: 0 })
    expect(await line.kick({ connection: 'unknown=', reason })).toEqual({ connections: 0 })
    expect(await line.kick({ principal: 'nobody', reason })).toEqual({ connections: 0 })
  })
  test('ends a session of presence at once, without its grace period', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await ann.send({ ...live, params: { ...live.params, path: 'join' } })
    const members = () => line.line.withBackend(line.script, () => line.here.read({ room: 'x' }))
    expect(await members()).toHaveLength(1)
    await line.kick({ principal: 'ann', reason })
    expect(await members()).toEqual([])
  })
  test('fails if the gateway does not close a socket, and another one closes it', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect({ token: 'ann' })
    const { disconnect } = line.gateway
    line.gateway.disconnect = async () => 'failed'
    const failed = line.timed(() => line.kick({ principal: 'ann', reason }))
    await expect(failed).rejects.toThrow(`it did not close ${connectionId}`)
    expect(await line.store.readConnection(connectionId)).toMatchObject({ state: 'CLOSED' })
    line.gateway.disconnect = disconnect
    expect(await line.kick({ principal: 'ann', reason })).toEqual({ connections: 1 })
    expect(await line.isOpen(connectionId)).toBe(false)
  })
  test('of a client that takes no message is delayed by 1.5 s', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect({ token: 'ann' })
    line.gateway.intercept = () => new Promise(() => {})
    const { value, ms } = await line.timed(() => line.kick({ principal: 'ann', reason }))
    expect(value).toEqual({ connections: 1 })
    expect(ms).toBeLessThanOrEqual(1_500)
    line.gateway.intercept = () => undefined
    expect(await line.isOpen(connectionId)).toBe(false)
  })
  test('lets no frame begin that is under way, where its caller is read with the parameters [TL-KICK-2]', async () => {
    const line = createKickLine()
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await ann.send({ method: 'connectionParams', data: { token: 'ann' } })
    await line.kick({ principal: 'ann', reason })
    line.gateway.open(ann.connectionId) // so that its answer can be seen
    const slow = ann.send(query('slow'))
    await settle()
    expect(line.signals).toEqual([])
    expect(await slow).toMatchObject({ id: 1, error: { message: reason, data: { code: 'UNAUTHORIZED' } } })
  })
  test('of a connection that the gateway has not opened yet waits until its socket is closed', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect({ token: 'ann' })
    line.gateway.close(connectionId) // `$connect` has answered, and the gateway is slow
    const running = line.timed(() => line.kick({ principal: 'ann', reason }))
    await settle()
    line.gateway.open(connectionId)
    expect((await running).value).toEqual({ connections: 1 })
    expect(await line.isOpen(connectionId)).toBe(false)
  })
  test('of one that the gateway never opens ends after 6 s', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect({ token: 'ann' })
    line.gateway.close(connectionId)
    expect((await line.timed(() => line.kick({ principal: 'ann', reason }))).ms).toBe(6_000)
  })
  test.each([
    [{ reason }, 'either connection or principal, got neither'],
    [{ connection: 'c1=', principal: 'ann', reason }, 'either connection or principal, got both'],
    [{ connection: '', reason }, 'the id of a connection, got an empty text'],
    [{ connection: 7, reason }, 'the id of a connection, got number'],
    [{ connection: 'c1=', session: 'x', reason }, 'session only with principal'],
    [{ principal: '', reason }, 'principal to be a text, got an empty text'],
    [{ principal: null, reason }, 'principal to be a text, got null'],
    [{ principal: 'ann', session: 'secret', reason }, 'the public id of a session'],
    [{ principal: 'ann' }, 'reason of kick to be a text of 1 to 1024 bytes, got undefined'],
    [{ principal: 'ann', reason: ' ' }, 'reason of kick to be a text of 1 to 1024 bytes'],
    [{ principal: 'ann', reason: 'x'.repeat(1_025) }, 'got 1025 bytes'],
    [{ principal: 'ann', reason, ban: start + hour }, 'ban to be a valid Date, until when the ban lasts, got number'],
    [{ principal: 'ann', reason, ban: new Date(Number.NaN) }, 'got an invalid Date'],
    [{ principal: 'ann', reason, ban: new Date(start) }, 'ban to be in the future'],
    [{ reason }, 'either connection or principal, got neither'],
    [undefined, 'Expected the options of kick to be an object, got undefined.'],
    [{ principal: 'ann', reason, bann: later }, 'got "bann". Did you mean ban?'],
  ])('rejects %j', async (options, words) => {
    const line = createKickLine()
    await line.connect({ token: 'ann' })
    await expect(line.kick(options as never)).rejects.toThrow(words)
    expect(await line.connections('ann')).toHaveLength(1)
  })
  test('rejects a ban of an anonymous connection, which has no principal', async () => {
    const line = createKickLine()
    const { connectionId } = await line.connect()
    await expect(line.kick({ connection: connectionId, reason, ban: later })).rejects.toThrow(
      'a connection with a principal to ban',
    )
  })
  test('needs a gateway, and says which variable names it', async () => {
    const line = createKickLine()
    await expect(line.asScript(() => line.line.kick({ principal: 'ann', reason }))).rejects.toThrow(
      'TRUNKLINE_CALLBACK_URL',
    )
  })
})

describe('a ban', () => {
  test('refuses each connect until it ends, and writes no row that stays open [TL-KICK-3]', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await line.kick({ principal: 'ann', reason, ban: later })
    expect(ann.frames()).toEqual([kicked({ until: start + hour })])
    const refused = await line.connect({ token: 'ann' })
    expect(refused.result).toEqual({ statusCode: 403 })
    expect(await line.store.readConnection(refused.connectionId)).toMatchObject({ state: 'CLOSED' })
    expect(await line.connections('ann')).toEqual([])
    expect((await line.connect({ token: 'bob' })).result).toMatchObject({ statusCode: 200 })
    await line.clock.advance(hour)
    expect((await line.connect({ token: 'ann' })).result).toMatchObject({ statusCode: 200 })
  })
  test('of a connection is of its principal, and ends all its connections', async () => {
    const line = createKickLine()
    const [ann, tab] = [await line.connect({ token: 'ann' }), await line.connect({ token: 'ann' })]
    expect(await line.kick({ connection: ann.connectionId, reason, ban: later })).toEqual({ connections: 2 })
    for (const each of [ann, tab]) expect(await line.isOpen(each.connectionId)).toBe(false)
    expect((await line.connect({ token: 'ann' })).result).toEqual({ statusCode: 403 })
  })
  test('is replaced by a later one', async () => {
    const line = createKickLine()
    await line.kick({ principal: 'ann', reason, ban: later })
    await line.kick({ principal: 'ann', reason, ban: new Date(start + 1_000) })
    await line.clock.advance(1_000)
    expect((await line.connect({ token: 'ann' })).result).toMatchObject({ statusCode: 200 })
  })
  test('is what a client that asks why gets: nothing of its frames runs [TL-KICK-4]', async () => {
    const line = createKickLine()
    await line.kick({ principal: 'ann', reason, ban: later })
    for (const frame of [hello, query('add'), [query('add'), live], 'nonsense']) {
      const ann = await line.connect({ token: 'ann', query: { explain: '1' } })
      expect(ann.result).toMatchObject({ statusCode: 200 })
      expect(await ann.send(frame)).toBeUndefined()
      expect(ann.frames()).toEqual([kicked({ until: start + hour })])
      expect(await line.isOpen(ann.connectionId)).toBe(false)
    }
  })
  test('deletes a connection that asked why and sent nothing', async () => {
    const delayed: unknown[] = []
    const line = createKickLine({
      invoker: (inner) => ({ ...inner, invokeDelayed: async (payload) => void delayed.push(payload) }),
    })
    await line.kick({ principal: 'ann', reason, ban: later })
    const ann = await line.connect({ token: 'ann', query: { explain: '1' } })
    const Records = delayed.map((body, at) => ({
      ...{ messageId: `${at}`, eventSource: 'aws:sqs', body: JSON.stringify(body) },
    }))
    await line.line.withBackend(line.backend, () => line.handlers.deliver({ Records }, {}))
    expect(ann.frames()).toEqual([kicked({ until: start + hour })])
    expect(await line.isOpen(ann.connectionId)).toBe(false)
  })
  test('does not concern a client that asks why and is not banned: it works, at one read a frame', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann', query: { explain: '1' } })
    line.took()
    expect(await ann.send(query('add'))).toMatchObject({ result: { data: 1 } })
    expect(line.took()).toEqual(['readConnection'])
  })
  test('is found by an `auth` too, which ends the connection [TL-KICK-3]', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    const ban = { principal: 'ann', kind: 'ban', at: start + hour, reason, expires: 2_000_000_000 } as const
    await line.store.putRestriction(ban) // a kick that has not come to the connections
    await ann.send({ id: 4, method: 'auth', params: { token: 'ann' } })
    expect(ann.frames()).toEqual([kicked({ until: start + hour })])
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ state: 'CLOSED' })
  })
})

describe('a revocation', () => {
  const issuedBefore = new Date(start + 10_000)
  const at = async (ms: number, line = createKickLine()) => {
    await line.clock.advance(ms)
    return line
  }
  test('refuses tokens that were issued before, ends their connections and spares later ones [TL-KICK-3]', async () => {
    const line = await at(20_000)
    const [old, fresh] = [await line.connect({ token: 'ann/9' }), await line.connect({ token: 'ann/10' })]
    expect(await line.revoke('ann', { issuedBefore, reason })).toEqual({ connections: 1 })
    expect(old.frames()).toEqual([kicked({ time: start + 20_000 })])
    expect(await line.isOpen(fresh.connectionId)).toBe(true)
    expect((await line.connect({ token: 'ann/9' })).result).toEqual({ statusCode: 403 })
    expect((await line.connect({ token: 'ann/10' })).result).toMatchObject({ statusCode: 200 })
    expect((await line.connect({ token: 'bob/9' })).result).toMatchObject({ statusCode: 200 })
  })
  test('takes the time of the connect for a token that does not say when it was issued', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await line.clock.advance(20_000)
    await line.revoke('ann', { issuedBefore })
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect((await line.connect({ token: 'ann' })).result).toMatchObject({ statusCode: 200 })
  })
  test('is not replaced by an earlier one', async () => {
    const line = await at(20_000)
    await line.revoke('ann', { issuedBefore })
    await line.revoke('ann', { issuedBefore: new Date(start) })
    expect((await line.connect({ token: 'ann/9' })).result).toEqual({ statusCode: 403 })
  })
  test('that an `auth` cannot read leaves no authority of its token: the connection is closed [TL-KICK-3]', async () => {
    let isAway = false
    const readRestrictions = async () => {
      throw new Error('The table is away.')
    }
    const line = createKickLine({
      store: (store) =>
        new Proxy(store, {
          get: (target, name, receiver) =>
            isAway && name === 'readRestrictions' ? readRestrictions : Reflect.get(target, name, receiver),
        }),
    })
    const ann = await (await at(20_000, line)).connect({ token: 'ann/15' })
    await line.revoke('ann', { issuedBefore, reason })
    isAway = true
    await ann.send({ id: 4, method: 'auth', params: { token: 'ann/9' } })
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ state: 'CLOSED' })
  })
  test('spares a connection that an `auth` has given a later token, and ends one that gets an earlier', async () => {
    const line = await at(20_000)
    const ann = await line.connect({ token: 'ann/5' })
    await ann.send({ id: 4, method: 'auth', params: { token: 'ann/15' } })
    await line.revoke('ann', { issuedBefore, reason })
    expect(await line.isOpen(ann.connectionId)).toBe(true)
    await line.clock.advance(10_000)
    await ann.send({ id: 4, method: 'auth', params: { token: 'ann/9' } })
    expect(await line.isOpen(ann.connectionId)).toBe(false)
  })
  test.each([
    ['ann', {}, 'issuedBefore to be a valid Date'],
    ['ann', { issuedBefore: start }, 'issuedBefore to be a valid Date'],
    ['ann', { issuedBefore: new Date(start + 2 * hour) }, 'issuedBefore to be in the past'],
    ['ann', { issuedBefore: new Date(start), reason: '' }, 'reason of revoke'],
    ['', { issuedBefore: new Date(start) }, 'principal to be a text'],
    [undefined, { issuedBefore: new Date(start) }, 'principal to be a text'],
  ])('of %j with %j is rejected', async (principal, options, words) => {
    await expect(createKickLine().revoke(principal as never, options as never)).rejects.toThrow(words)
  })
})

describe('the connections of a principal', () => {
  test('are listed with the public ids of their sessions, oldest first, while they are open', async () => {
    const line = createKickLine()
    const session = 'session-of-ann-0123456789'
    const ann = await line.connect({ token: 'ann', session })
    await line.clock.advance(5_000)
    const tab = await line.connect({ token: 'ann' })
    await line.connect({ token: 'bob' })
    const [first, second] = await line.connections('ann')
    expect(first).toEqual({
      connectionId: ann.connectionId,
      sessionId: publicSessionId(session),
      openedAt: new Date(start),
    })
    expect(second).toMatchObject({ connectionId: tab.connectionId, openedAt: new Date(start + 5_000) })
    await ann.disconnect()
    expect((await line.connections('ann')).map(({ connectionId }) => connectionId)).toEqual([tab.connectionId])
    await line.clock.advance(3 * hour)
    expect(await line.connections('ann')).toEqual([])
    await expect(line.connections(7 as never)).rejects.toThrow('principal to be a text, got number')
  })
  test('cost two writes and a read at a connect, and one write more at a disconnect; without a principal one write', async () => {
    const line = createKickLine()
    line.took()
    const ann = await line.connect({ token: 'ann' })
    expect(line.took()).toEqual(['putConnection', 'putPrincipalConnection', 'readRestrictions'])
    await ann.disconnect()
    expect(line.took()).toEqual(['closeConnection', 'deletePrincipalConnection', 'readSubscriptions'])
    const guest = await line.connect()
    expect(line.took()).toEqual(['putConnection'])
    await guest.disconnect()
    expect(line.took()).toEqual(['closeConnection', 'readSubscriptions'])
  })
})

describe('a principal that connection parameters settle', () => {
  const announced = { query: { connectionParams: '1' } }
  const params = { method: 'connectionParams', data: { token: 'ann' } }
  test('is listed and kicked like any other', async () => {
    const line = createKickLine()
    const ann = await line.connect(announced)
    expect(await line.connections('ann')).toEqual([])
    await ann.send(params)
    expect(await line.connections('ann')).toHaveLength(1)
    expect(await line.kick({ principal: 'ann', reason })).toEqual({ connections: 1 })
    expect(await line.isOpen(ann.connectionId)).toBe(false)
  })
  test('is refused while it is banned, before any frame runs [TL-KICK-3]', async () => {
    const line = createKickLine()
    await line.kick({ principal: 'ann', reason, ban: later })
    const ann = await line.connect(announced)
    await ann.send(params)
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ refused: reason, principal: null })
    expect(await ann.send(query('add'))).toBeUndefined()
    expect(await line.isOpen(ann.connectionId)).toBe(false)
    expect(await line.connections('ann')).toEqual([])
  })
  test.each(['putPrincipalConnection', 'readRestrictions', 'putConnectionParams'] as const)(
    'does not begin when it is banned while it is settled: before %s [TL-KICK-3]',
    async (operation) => {
      let ban = async () => {}
      const line = createKickLine({
        store: (inner) => ({
          ...inner,
          [operation]: async (...args: never[]) => {
            const begun = ban
            ban = async () => {}
            await begun()
            return (inner[operation] as (...args: never[]) => unknown)(...args)
          },
        }),
      })
      const ann = await line.connect(announced)
      ban = async () => void (await line.kick({ principal: 'ann', reason, ban: later }))
      await ann.send(params)
      expect(await ann.send(query('add'))).toBeUndefined()
      expect(await line.isOpen(ann.connectionId)).toBe(false)
      expect(await line.connections('ann')).toEqual([])
    },
  )
})

describe('a call that runs when its connection is kicked [TL-KICK-2]', () => {
  test('has its signal aborted within 5 s, and is not answered', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    const answer = ann.send(query('slow'))
    await line.clock.advance(100)
    await line.kick({ principal: 'ann', reason })
    expect(line.ended).toEqual([])
    await line.clock.advance(5_000)
    expect(line.ended).toEqual(['aborted'])
    expect(await answer).toBeUndefined()
    expect(ann.frames()).toEqual([kicked({ time: start + 100 })])
  })
  test('reads its connection once in 3.5 s, and a shorter one never', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    line.took()
    await ann.send(query('add'))
    const answer = ann.send(query('slow'))
    await settle()
    await line.clock.advance(3_499)
    expect(line.took()).toEqual([])
    await line.clock.advance(1)
    await line.clock.advance(3_500)
    expect(line.took()).toEqual(['readConnection', 'readConnection'])
    line.release()
    expect(await answer).toMatchObject({ result: { data: 'released' } })
    await line.clock.advance(10_000)
    expect(line.took()).toEqual([])
  })
  test('goes on if its client merely disconnected', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    const answer = ann.send(query('slow'))
    await ann.disconnect()
    await line.clock.advance(10_000)
    line.release()
    await answer
    expect(line.ended).toEqual(['released'])
  })
  test('ends also if its client had moved to another connection before', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    const answer = ann.send(query('slow'))
    await ann.disconnect()
    await line.clock.advance(1_000)
    await line.kick({ principal: 'ann', reason })
    await line.clock.advance(5_000)
    await answer
    expect(line.ended).toEqual(['aborted'])
  })
  test.each([
    ['ends', 'ann', undefined, 'aborted'],
    ['ends', 'ann/5', undefined, 'aborted'],
    ['goes on', 'ann/5', 'ann/15', 'released'],
  ])(
    '%s at a revocation after its client moved away: token %s, auth %s [TL-KICK-2]',
    async (_, token, renewed, how) => {
      const line = createKickLine()
      const ann = await line.connect({ token })
      const answer = ann.send(query('slow'))
      if (renewed !== undefined) await ann.send({ id: 4, method: 'auth', params: { token: renewed } })
      await ann.disconnect()
      await line.clock.advance(1_000)
      await line.revoke('ann', { issuedBefore: new Date(start + 10_000) })
      await line.clock.advance(5_000)
      line.release()
      await answer
      expect(line.ended).toEqual([how])
    },
  )
  test('of the worker ends within 5 s, with its answer dropped', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await ann.send({ id: 1, method: 'mutation', params: { path: 'long' } })
    const running = line.begin()
    await settle()
    await line.kick({ principal: 'ann', reason })
    for (let second = 0; second < 10; second += 1) await line.clock.advance(500)
    expect(line.ended).toEqual(['aborted'])
    await running
    expect(ann.frames()).toEqual([kicked()])
  })
  test('of a generator ends within 5 s', async () => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    await ann.send({ id: 7, method: 'subscription', params: { path: 'count', ref: 1 } })
    const running = line.begin()
    await line.clock.advance(100)
    await line.kick({ principal: 'ann', reason })
    for (let second = 0; second < 10; second += 1) await line.clock.advance(500)
    expect(line.ended).toEqual(['aborted'])
    await running
  })
  test.each(['long', 'count'])('does not begin in a worker that starts after the kick (%s)', async (path) => {
    const line = createKickLine()
    const ann = await line.connect({ token: 'ann' })
    const method = path === 'long' ? 'mutation' : 'subscription'
    await ann.send({ id: 1, method, params: { path, ...(path === 'count' && { ref: 1 }) } })
    await line.kick({ connection: ann.connectionId, reason })
    await line.work()
    expect(line.signals).toEqual([])
  })
})

describe('the audit events', () => {
  test('of a kick, a revocation, a denied and an accepted connect name who and why', async () => {
    const line = createKickLine()
    const inFunction = <T>(fn: () => Promise<T>) => line.line.withBackend(line.script, fn)
    said.mockClear()
    const { connectionId } = await line.connect({ token: 'ann', session: 'session-of-ann-0123456789' })
    const sessionId = publicSessionId('session-of-ann-0123456789')
    expect(line.audits).toEqual([{ action: 'connect', connectionId, sessionId, principal: 'ann' }])
    await inFunction(() => line.line.kick({ principal: 'ann', reason, ban: later }))
    await inFunction(() => line.line.revoke('ann', { issuedBefore: new Date(start), reason }))
    const lines = said.mock.calls.map(([text]) => JSON.parse(String(text)) as object)
    const common = { level: 'INFO', message: 'audit', principal: 'ann', reason }
    expect(lines).toEqual([
      { ...common, action: 'kick', connections: 1, until: start + hour },
      { ...common, action: 'revoke', connections: 0, issuedBefore: start },
    ])
    await line.connect({ token: 'ann', session: 'session-of-ann-0123456789' })
    expect(line.audits.at(-1)).toMatchObject({ action: 'deny', principal: 'ann', sessionId, reason })
  })
})
