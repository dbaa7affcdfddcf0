import { expect, it } from 'vitest'
import { createAttention } from './attention.ts'

/** What is told, and what becomes of it in turn; taken when nothing else is said. */
function attentive(...answers: readonly (boolean | Error)[]) {
  const said: boolean[] = []
  const attention = createAttention(async (away) => {
    const answer = answers[said.push(away) - 1] ?? true
    if (answer instanceof Error) throw answer
    return answer
  })
  return { ...attention, took: () => said.splice(0) }
}
const settled = () => new Promise(setImmediate)

it('tells a change once, and nothing of who is here from the start', () => {
  const { set, took } = attentive()
  set(false)
  expect(took()).toEqual([])
  set(true)
  set(true)
  expect(took()).toEqual([true])
  set(false)
  expect(took()).toEqual([false])
})
it.each([
  ['was not taken, since the room was not joined yet', false],
  ['failed', new Error('lost')],
])('tells again with the next sign what %s', async (_, answer) => {
  const { set, took } = attentive(answer)
  set(true)
  await settled()
  set(true)
  expect(took()).toEqual([true, true])
})
it('tells again that nobody is at this screen when the others are shown otherwise: it joined anew', () => {
  const { set, shown, took } = attentive()
  set(true)
  took()
  shown(true)
  expect(took()).toEqual([])
  shown(false)
  expect(took()).toEqual([true])
})
it('tells again that somebody is at this screen when the others are shown otherwise: a late word came last', () => {
  const { set, shown, took } = attentive()
  set(true)
  set(false)
  took()
  shown(true)
  expect(took()).toEqual([false])
})
it('forgets a failure that was overtaken', async () => {
  const { set, took } = attentive(new Error('lost'))
  set(true)
  set(false)
  await settled()
  set(false)
  expect(took()).toEqual([true, false])
})
