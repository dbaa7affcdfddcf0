import { describe, expect, test } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import { createRoom, withOperations } from '../subscriptions/room.suite.ts'

const announced = { stock: true, query: { connectionParams: '1' } }
const whoami = (id: number) => ({ id, method: 'query', params: { path: 'whoami' } })

/** A room that counts the reads of connections. */
function counted() {
  let reads = 0
  const room = createRoom({
    store: (inner) =>
      withOperations(inner, (store) => ({
        readConnection: (id) => {
          reads += 1
          return store.readConnection(id)
        },
      })),
  })
  /** Lets time pass until `answered` settles, and returns how long that took. */
  const timed = async (answered: Promise<unknown>) => {
    const begin = room.clock.now()
    let isDone = false
    void answered.then(() => {
      isDone = true
    })
    await settle()
    while (!isDone && room.clock.now() - begin < 30_000) await room.clock.advance(10)
    return room.clock.now() - begin
  }
  return { room, timed, reads: () => reads }
}

describe('a message before the announced connection parameters', () => {
  test.each([1, 100])(
    'of %i frames waits 2 s and reads at most 12 times; then each frame is answered and the connection is deleted [TL-STOCK-5]',
    async (count) => {
      const { room, timed, reads } = counted()
      const ann = await room.connect(announced)
      const frames = Array.from({ length: count }, (_, id) => whoami(id))
      const asked = ann.send(count === 1 ? frames[0] : frames)
      expect(await timed(asked)).toBe(2_000)
      expect(reads()).toBeLessThanOrEqual(12)
      expect(await asked).toBeUndefined() // a response after the deletion would be lost, so each answer is a post
      const answers = ann.frames() as { readonly id: number; readonly error: { readonly message: string } }[]
      expect(answers.map(({ id }) => id)).toEqual(frames.map(({ id }) => id))
      expect(answers[0]).toMatchObject({
        error: { message: expect.stringMatching(/within 2 s.*got none\. Send \{"method":"connectionParams"/) },
        line: { code: 'MALFORMED', retry: 'later', mayHaveRun: false },
      })
      expect(await room.gateway.post(ann.connectionId, 'x')).toEqual({ status: 'gone' })
    },
  )
  test('ends its wait when the parameters come, with one wait for a batch [TL-STOCK-4]', async () => {
    const { room, timed, reads } = counted()
    const ann = await room.connect(announced)
    const asked = ann.send([whoami(1), whoami(2), whoami(3)])
    await settle()
    await room.clock.advance(500)
    await ann.send({ method: 'connectionParams', data: { lang: 'en' } })
    expect(await timed(asked)).toBeLessThanOrEqual(300)
    expect([...ann.frames(), await asked]).toMatchObject([1, 2, 3].map((id) => ({ id, result: { data: 'you' } })))
    expect(reads()).toBeLessThanOrEqual(12)
  })
  test('reads the parameters once for a batch that comes after them [TL-STOCK-4]', async () => {
    const { room, reads } = counted()
    const ann = await room.connect(announced)
    await ann.send({ method: 'connectionParams', data: { lang: 'en' } })
    const before = reads()
    await ann.send(Array.from({ length: 10 }, (_, id) => whoami(id)))
    expect(reads() - before).toBe(1)
  })
  test('does not wait when none of its frames needs them [TL-STOCK-4]', async () => {
    const { room, reads } = counted()
    const ann = await room.connect(announced)
    expect(await ann.send({ id: 1, method: 'hello' })).toMatchObject({ result: { type: 'hello' } })
    expect(await ann.send('PING')).toBe('PONG')
    expect(reads()).toBe(0)
  })
  test('ends its wait at once on a connection that was closed', async () => {
    const { room, timed, reads } = counted()
    const ann = await room.connect(announced)
    await ann.disconnect()
    expect(await timed(ann.send(whoami(1)))).toBe(0)
    expect(reads()).toBe(1)
  })
})
