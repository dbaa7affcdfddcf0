import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const minute = 60_000
const serverNow = 1_800_000_000_000
const keyed = { resends: true, nonce: 'n'.repeat(22), text: '{"id":1,"method":"mutation","params":{"path":"a"}}' }
const expired = (id: number) => ({ id, error: {}, line: { code: 'KEY_EXPIRED', retry: 'never', mayHaveRun: true } })

type Machine = ReturnType<typeof createMachine>

function opened(): Machine {
  const machine = createMachine()
  machine.open({ time: serverNow })
  return machine
}
const hello = (machine: Machine, time: number) =>
  machine.message({ ...helloFrame({ time }), id: `hello-${machine.state.serial}` })
/** The times in the keys that were sent. */
const timesOf = (effects: readonly string[]) =>
  effects.flatMap((sent) => /"key":"auto\.([0-9a-z]+)\./.exec(sent)?.[1] ?? []).map((time) => Number.parseInt(time, 36))

describe('a clock that is set while connected', () => {
  test.each([10 * minute, -24 * 60 * minute, 1_001, -1_001])(
    'by %d ms makes the client request the server’s time before the next key, and sync the logs [TL-HELLO-5]',
    (ms) => {
      const machine = opened()
      machine.subscribe(7)
      machine.message({ id: 7, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
      machine.wait(5_000)
      machine.setClock(ms)
      const sent = machine.call(1, 'mutation', keyed)
      expect(sent).toHaveLength(2)
      expect(sent[0]).toMatch(/^send {"id":"hello-\d+","method":"hello"}$/)
      expect(sent[1]).toContain('"method":"sync"')
      const id = /hello-\d+/.exec(sent[0] ?? '')?.[0]
      expect(timesOf(machine.message({ ...helloFrame({ time: serverNow + 5_200 }), id }))).toEqual([serverNow + 5_200])
    },
  )

  test('by a second or less changes nothing, nor does elapsed time', () => {
    const machine = opened()
    machine.setClock(1_000)
    machine.wait(3_600_000)
    expect(timesOf(machine.call(1, 'mutation', keyed))).toEqual([serverNow + 3_600_000])
  })

  test('does not delay queries, mutations with a caller’s key, or mutations that already have a key', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.setClock(minute)
    machine.message({ id: 1, error: {}, line: { code: 'PENDING', retry: 'later', mayHaveRun: true } })
    expect(machine.call(2)).toEqual(['send query 2'])
    expect(machine.call(3, 'mutation', { key: 'own.k', resends: true, text: '{"params":{}}' })).toHaveLength(1)
    expect(timesOf(machine.fire({ kind: 'resend', id: 1 }))).toEqual([serverNow])
  })

  test('keeps the order of an ordering key whose first mutation waits for the time [TL-LANE-1]', () => {
    const machine = opened()
    machine.setClock(minute)
    machine.call(1, 'mutation', { ...keyed, orderingKey: 'a' })
    expect(machine.call(2, 'mutation', { orderingKey: 'a' })).toEqual([])
    expect(timesOf(hello(machine, serverNow))).toEqual([serverNow])
  })

  test('requests the time again when the answer does not arrive, and uses the next answer', () => {
    const machine = opened()
    machine.setClock(minute)
    machine.call(1, 'mutation', keyed)
    expect(machine.timers.get('hello')).toBe(5_000)
    expect(machine.fire({ kind: 'hello' }).join()).toContain('"method":"hello"')
    expect(timesOf(hello(machine, serverNow + 1))).toEqual([serverNow + 1])
    expect(machine.timers.has('hello')).toBe(false)
  })

  test('during the handshake makes the client request the time once more, since the answer may be older', () => {
    const machine = createMachine()
    machine.call(1, 'mutation', keyed)
    machine.feed({ type: 'opened' })
    machine.setClock(60 * minute)
    expect(hello(machine, serverNow).join()).toMatch(/^send {"id":"hello-\d+","method":"hello"}$/)
    expect(timesOf(hello(machine, serverNow + 60 * minute))).toEqual([serverNow + 60 * minute])
  })

  test('requests the time on the next socket when the socket of the request is lost', () => {
    const machine = opened()
    machine.setClock(minute)
    machine.call(1, 'mutation', keyed)
    machine.feed({ type: 'lost', cause: network })
    expect(timesOf(machine.open({ time: serverNow + 7 }))).toEqual([serverNow + 7])
  })

  test('requests the time on the new socket when a hand-over drops the socket of the request', () => {
    const machine = opened()
    machine.wait(20_000)
    machine.fire({ kind: 'handover' })
    machine.feed({ type: 'opened', socket: 2 })
    const greeting = `hello-${machine.state.serial}`
    machine.setClock(minute)
    machine.call(1, 'mutation', keyed)
    const sent = machine.messageOf(2, { ...helloFrame({ time: serverNow }), id: greeting })
    expect(sent.join()).toContain('"method":"hello"')
    expect(timesOf(hello(machine, serverNow + 3))).toEqual([serverNow + 3])
  })

  test('schedules the renewal of the authorization again, since its timer may have been suspended', () => {
    const machine = createMachine(0.5)
    machine.open({ time: serverNow, authExpires: serverNow + 60 * minute })
    expect(machine.timers.get('renew')).toBe(48 * minute)
    machine.setClock(40 * minute)
    machine.call(1)
    const id = /hello-\d+/.exec(`hello-${machine.state.serial}`)?.[0]
    machine.message({
      ...helloFrame({ time: serverNow + 40 * minute, authExpires: serverNow }),
      id: id?.replace(/\d+/, String(machine.state.timeRequestId?.slice(6))),
    })
    expect(machine.timers.get('renew')).toBe(16 * minute)
  })

  test('does not end a generator whose values may arrive late', () => {
    const machine = opened()
    machine.subscribe(7)
    machine.message({ id: 7, result: { type: 'started', ref: 1, n: 0 } })
    machine.wait(10_000)
    machine.setClock(60 * minute) // the monotonic clock was suspended
    expect(machine.fire({ kind: 'alive', id: 7 }).join()).not.toContain('fail')
    machine.wait(10_000)
    expect(machine.fire({ kind: 'alive', id: 7 }).join()).toContain('fail 7 GENERATOR_LOST')
  })

  test('shows `retryAt` by the wall clock', () => {
    const machine = createMachine(0.5)
    machine.open()
    machine.setClock(60 * minute)
    machine.feed({ type: 'lost', cause: network })
    expect(machine.state.status).toMatchObject({ retryAt: 60 * minute + 300 })
  })
})

describe('KEY_EXPIRED', () => {
  test('for a new generated key requests the time and makes another key, once [TL-KEY-11]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    expect(machine.message(expired(1)).join()).toMatch(/^send {"id":"hello-\d+","method":"hello"}$/)
    const sent = hello(machine, serverNow + 10 * minute)
    expect(timesOf(sent)).toEqual([serverNow + 10 * minute])
    expect(sent.join()).not.toContain('resend')
    expect(machine.message(expired(1))).toEqual(['fail 1 KEY_EXPIRED may have run'])
  })

  test('for a key that was sent before fails the call: the mutation may have run [TL-KEY-11]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.feed({ type: 'lost', cause: network })
    machine.open({ time: serverNow })
    expect(machine.message(expired(1))).toEqual(['fail 1 KEY_EXPIRED may have run'])
  })

  test('for a caller’s own key fails the call', () => {
    const machine = opened()
    machine.call(1, 'mutation', { key: 'own.k', resends: true, text: '{"id":1,"params":{}}' })
    expect(machine.message(expired(1))).toEqual(['fail 1 KEY_EXPIRED may have run'])
  })
})
