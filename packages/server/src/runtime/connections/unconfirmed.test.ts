import { describe, expect, test } from 'vitest'
import { anonymous, deny } from '../../define/identity.ts'
import { createRoom } from '../subscriptions/room.suite.ts'

const whoami = { id: 1, method: 'query', params: { path: 'whoami' } }
const announced = { stock: true, query: { connectionParams: '1' } }

/** A room that refuses the token `mallory`. */
function guarded() {
  const room = createRoom({ authorize: ({ token }) => (token === 'mallory' ? deny('No.') : anonymous) })
  const isOpen = async (connectionId: string) => (await room.gateway.post(connectionId, '{}')).status === 'posted'
  /** Runs the delayed jobs, as the queue does, and returns the ids of those that failed. */
  const runDelayed = async () => {
    const Records = room.delayed.map(({ payload }, index) => ({
      ...{ messageId: `m${index}`, eventSource: 'aws:sqs', body: JSON.stringify(payload) },
    }))
    const life = { getRemainingTimeInMillis: () => 28_000 }
    return room.line.withBackend(room.backend, () => room.handlers.deliver({ Records }, life))
  }
  return { room, isOpen, runDelayed }
}

describe('a connection that is not confirmed', () => {
  test('is checked 10 s after its connect; no other connect enqueues a job [TL-HELLO-7]', async () => {
    const { room } = guarded()
    await room.connect()
    await room.connect({ stock: true })
    expect(room.delayed).toEqual([])
    const [refused, silent] = [await room.connect({ token: 'mallory' }), await room.connect(announced)]
    expect(room.delayed).toEqual(
      [refused, silent].map(({ connectionId }) => ({ payload: { unconfirmed: { connectionId } }, delayMs: 10_000 })),
    )
  })
  test('because it was refused is deleted, though it sent nothing [TL-HELLO-7]', async () => {
    const { room, isOpen, runDelayed } = guarded()
    const { connectionId } = await room.connect({ token: 'mallory' })
    expect(await isOpen(connectionId)).toBe(true)
    expect(await runDelayed()).toEqual({ batchItemFailures: [] })
    expect(await isOpen(connectionId)).toBe(false)
  })
  test('because its parameters did not come is deleted, whatever pings it sent [TL-HELLO-7]', async () => {
    const { room, isOpen, runDelayed } = guarded()
    const silent = await room.connect(announced)
    for (let second = 0; second < 10; second += 1) {
      expect(await silent.send('PING')).toBe('PONG')
      await room.clock.advance(1_000)
    }
    await runDelayed()
    expect(await isOpen(silent.connectionId)).toBe(false)
  })
  test('stays when its parameters came in time, also when the check runs twice', async () => {
    const { room, isOpen, runDelayed } = guarded()
    const ann = await room.connect(announced)
    await ann.send({ method: 'connectionParams', data: null })
    for (let times = 0; times < 2; times += 1) await runDelayed()
    expect(await isOpen(ann.connectionId)).toBe(true)
    expect(await ann.send(whoami)).toMatchObject({ result: { data: 'you' } })
  })
  test('connects though the check cannot be scheduled', async () => {
    const room = createRoom({
      scheduler: {
        at: async (name) => {
          if (name === 'invoke later') throw new Error('The queue is away.')
          return 'answered'
        },
        store: (store) => store,
      },
    })
    expect((await room.connect(announced)).result).toMatchObject({ statusCode: 200 })
  })
})
