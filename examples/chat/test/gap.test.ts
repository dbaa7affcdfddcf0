import { afterAll, beforeAll, expect, it } from 'vitest'
import { messages } from '../src/server/channels.ts'
import { type Stage, setStage, textsOn } from './stage.ts'

const patience = { timeout: 20_000 }
const few = ['one', 'two', 'three']

let stage: Stage // of its own: its clock is put forward by days
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

async function publish(text: string): Promise<void> {
  const message = { id: crypto.randomUUID(), author: 'announcer', text, at: Date.now() }
  await stage.local.run(() => messages.publish({ room: 'gap' }, { type: 'posted', message }))
}

it('a page shows the newest messages after a gap, and after a reload, once each', async () => {
  await publish('seen')
  const reader = await stage.open({ room: 'gap', name: null })
  const expectTexts = (texts: readonly string[]) => expect.poll(() => textsOn(reader), patience).toEqual(texts)
  await expectTexts(['seen'])
  {
    using _away = stage.local.faults.on('connect', 'fail')
    stage.local.faults.cut()
    await publish('missed')
    await stage.local.clock.advance('8d') // a message is kept for seven
    for (const text of few) await publish(text)
  }
  await expectTexts(few)
  await publish('after the gap')
  await expectTexts([...few, 'after the gap'])
  await reader.reload()
  await reader.getByRole('button', { name: 'Just read along' }).click()
  await expectTexts([...few, 'after the gap'])
  await publish('after the reload')
  await expectTexts([...few, 'after the gap', 'after the reload'])
})
