import { equal } from './assertions.ts'
import { expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

const now = 1_700_000_000_000

/** The laws of the port of streams. */
export function streamLaws({ describe, test }: SuiteRunner): void {
  describe('streams', () => {
    test('keeps the inputs of a stream by their digests and replaces one of the same digest', async (store) => {
      const [topic, other] = [fresh('t'), fresh('t')]
      await store.putStreamInput({ topic, digest: 'a', input: '"ünï 🦊"', expires })
      await store.putStreamInput({ topic, digest: 'b', input: '2', expires })
      await store.putStreamInput({ topic, digest: 'b', input: '3', expires: expires + 1 })
      equal(await store.readStreamInput(topic, 'a'), '"ünï 🦊"')
      equal(await store.readStreamInput(topic, 'b'), '3')
      equal(await store.readStreamInput(topic, 'c'), undefined)
      equal(await store.readStreamInput(other, 'a'), undefined)
    })
    test('keeps a sign of life for each claim', async (store) => {
      const topic = fresh('t')
      await store.putStreamSign({ topic, claim: 'one', alive: now, expires })
      await store.putStreamSign({ topic, claim: 'two', alive: now + 5, expires })
      await store.putStreamSign({ topic, claim: 'one', alive: now + 1, expires })
      equal(await store.readStreamSign(topic, 'one'), now + 1)
      equal(await store.readStreamSign(topic, 'two'), now + 5)
      equal(await store.readStreamSign(topic, 'three'), 0)
    })
    test('keeps an input and a sign of one name apart', async (store) => {
      const topic = fresh('t')
      await store.putStreamInput({ topic, digest: '#', input: '1', expires })
      await store.putStreamSign({ topic, claim: '#', alive: now, expires })
      await store.takeStreamPoke({ topic, at: now, before: 0, expires })
      equal(await store.readStreamInput(topic, '#'), '1')
      equal(await store.readStreamSign(topic, '#'), now)
    })
    test('takes a poke once until the last one is no longer recent', async (store) => {
      const topic = fresh('t')
      const poke = (at: number) => store.takeStreamPoke({ topic, at, before: at - 30, expires })
      equal(await poke(now), 'taken')
      equal(await poke(now + 29), 'recent')
      equal(await poke(now + 30), 'taken')
      equal(await poke(now + 59), 'recent')
      equal(await store.takeStreamPoke({ topic: fresh('t'), at: now, before: now - 30, expires }), 'taken')
    })
    test('lets one of 20 concurrent pokes through', async (store) => {
      const topic = fresh('t')
      const pokes = Array.from({ length: 20 }, () =>
        store.takeStreamPoke({ topic, at: now, before: now - 30, expires }),
      )
      equal((await Promise.all(pokes)).filter((poke) => poke === 'taken').length, 1)
    })
    test('deletes the rows of one stream, and may be repeated', async (store) => {
      const [topic, other] = [fresh('t'), fresh('t')]
      for (const each of [topic, other]) {
        await store.putStreamInput({ topic: each, digest: 'a', input: '1', expires })
        await store.putStreamSign({ topic: each, claim: 'one', alive: now, expires })
        await store.takeStreamPoke({ topic: each, at: now, before: 0, expires })
      }
      await store.deleteStreamRows(topic)
      await store.deleteStreamRows(topic)
      equal(await store.readStreamInput(topic, 'a'), undefined)
      equal(await store.readStreamSign(topic, 'one'), 0)
      equal(await store.takeStreamPoke({ topic, at: now, before: now - 30, expires }), 'taken')
      equal(await store.readStreamInput(other, 'a'), '1')
    })
  })
}
