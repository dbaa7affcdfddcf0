import { expect, it } from 'vitest'
import { createAttention } from './attention.ts'

/** Records the reports; `answers` are their results in order, true by default. */
function attentive(...answers: readonly (boolean | Error)[]) {
  const reports: boolean[] = []
  const attention = createAttention(async (away) => {
    const answer = answers[reports.push(away) - 1] ?? true
    if (answer instanceof Error) throw answer
    return answer
  })
  return { ...attention, took: () => reports.splice(0) }
}
const settled = () => new Promise(setImmediate)

it('reports a change once, and nothing at the start', () => {
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
  ['was rejected, since the room was not joined yet', false],
  ['failed', new Error('lost')],
])('repeats with the next activity a report that %s', async (_, answer) => {
  const { set, took } = attentive(answer)
  set(true)
  await settled()
  set(true)
  expect(took()).toEqual([true, true])
})
it('reports away again when the room shows this user as present, since it joined again', () => {
  const { set, shown, took } = attentive()
  set(true)
  took()
  shown(true)
  expect(took()).toEqual([])
  shown(false)
  expect(took()).toEqual([true])
})
it('reports present again when the room shows this user as away, since an old report arrived late', () => {
  const { set, shown, took } = attentive()
  set(true)
  set(false)
  took()
  shown(true)
  expect(took()).toEqual([false])
})
it('ignores a failed report that a newer one replaced', async () => {
  const { set, took } = attentive(new Error('lost'))
  set(true)
  set(false)
  await settled()
  set(false)
  expect(took()).toEqual([true, false])
})
