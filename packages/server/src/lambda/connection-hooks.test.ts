import { describe, expect, test, vi } from 'vitest'
import type { ConnectionInfo, DisconnectInfo } from '../define/identity.ts'
import { publicSessionId } from '../runtime/context/public-session.ts'
import { createKickLine, type KickLine } from '../runtime/kick-line.suite.ts'

vi.spyOn(console, 'info').mockImplementation(() => {}) // a script writes its audit events there

const reason = 'spam'
const session = 'session-of-ann-0123456789'

function hooked() {
  const seen: (ConnectionInfo | DisconnectInfo)[] = []
  const line = createKickLine({
    onConnect: (connection) => void seen.push(connection),
    onDisconnect: (connection) => void seen.push(connection),
  })
  return { line, seen }
}

describe('onConnect and onDisconnect', () => {
  test('get the connection, its public session id and its principal', async () => {
    const { line, seen } = hooked()
    const ann = await line.connect({ token: 'ann', session })
    const info = { connectionId: ann.connectionId, sessionId: publicSessionId(session), principal: 'ann' }
    expect(seen.splice(0)).toEqual([info])
    await ann.disconnect()
    expect(seen.splice(0)).toEqual([{ ...info, reason: '', kicked: false }])
    await (await line.connect()).disconnect()
    expect(seen).toMatchObject([{ principal: null }, { principal: null, kicked: false }])
  })
  test('are called for announced parameters when these have settled who it is', async () => {
    const { line, seen } = hooked()
    const announced = { query: { connectionParams: '1' } }
    const [ann, silent] = [await line.connect(announced), await line.connect(announced)]
    expect(seen).toEqual([])
    await ann.send({ method: 'connectionParams', data: { token: 'ann' } })
    expect(seen.splice(0)).toMatchObject([{ connectionId: ann.connectionId, principal: 'ann' }])
    for (const each of [ann, silent]) await each.disconnect()
    expect(seen).toMatchObject([{ connectionId: ann.connectionId, principal: 'ann', kicked: false }])
  })
  test('get the reason of a kick, also when the gateway repeats the event', async () => {
    const { line, seen } = hooked()
    const ann = await line.connect({ token: 'ann' })
    await line.kick({ principal: 'ann', reason })
    expect(seen.splice(0)).toHaveLength(1) // a kick calls no hook: the gateway's event does
    for (let times = 0; times < 2; times += 1) await ann.disconnect()
    expect(seen).toMatchObject([
      { principal: 'ann', reason, kicked: true },
      { principal: 'ann', reason, kicked: true },
    ])
  })
  test('are not called for a connection that is refused', async () => {
    const { line, seen } = hooked()
    await line.kick({ principal: 'ann', reason, ban: new Date(line.clock.now() + 3_600_000) })
    await line.connect({ token: 'ann' })
    const asking = await line.connect({ token: 'ann', query: { explain: '1' } })
    await asking.disconnect()
    expect(seen).toEqual([])
  })
  test('do not break a connect or a disconnect when they throw, which is logged', async () => {
    const line = createKickLine({
      onConnect: () => {
        throw new Error('no table')
      },
      onDisconnect: async () => {
        throw new Error('no table')
      },
    })
    const ann = await line.connect({ token: 'ann' })
    expect(ann.result).toMatchObject({ statusCode: 200 })
    await ann.disconnect()
    expect(line.logs.map(({ level, message, facts }) => [level, message, facts['error'], facts['principal']])).toEqual([
      ['ERROR', '`onConnect` threw.', 'no table', 'ann'],
      ['ERROR', '`onDisconnect` threw.', 'no table', 'ann'],
    ])
  })
  test('that hang are left after 2 s, which is logged', async () => {
    const line = createKickLine({ onConnect: () => new Promise(() => {}), onDisconnect: () => new Promise(() => {}) })
    const { value: ann, ms } = await line.timed(() => line.connect({ token: 'ann' }))
    expect([ann.result, ms]).toMatchObject([{ statusCode: 200 }, 2_000])
    expect((await line.timed(() => ann.disconnect())).ms).toBe(2_000)
    expect(line.logs.map(({ message }) => message)).toEqual([
      '`onConnect` took longer than 2 s.',
      '`onDisconnect` took longer than 2 s.',
    ])
  })
  test('may use the line: a kick in onConnect refuses the connection at once', async () => {
    const line: KickLine = createKickLine({
      onConnect: async ({ connectionId }) => void (await line.line.kick({ connection: connectionId, reason: 'full' })),
    })
    const { value: ann, ms } = await line.timed(() => line.connect({ token: 'ann' }))
    expect([ann.result, ms]).toEqual([{ statusCode: 403 }, 0])
    expect(await line.connections('ann')).toEqual([])
    expect(line.logs).toEqual([])
  })
  test.each(['onConnect', 'onDisconnect'])('must be functions (%s)', (name) => {
    expect(() => createKickLine({ [name]: 'x' })).toThrow(`Expected ${name} to be a function, got string.`)
  })
})
