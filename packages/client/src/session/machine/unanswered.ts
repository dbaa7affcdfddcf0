import type { AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import type { FrameName } from './events.ts'
import { unansweredAt } from './state.ts'
import type { Transition } from './transition.ts'

/** Removes the frames that this frame answers. */
export function onFrameAnswered(transition: Transition, frame: AnswerFrame | ErrorFrame): void {
  const id = frame.id as FrameName
  const type = 'result' in frame ? frame.result.type : 'error'
  const isStop = 'result' in frame && type === 'stopped' && !('n' in frame.result) // with `n`, a run ended by itself
  settleFrame(transition, isStop ? `.${id}` : id)
  if (type === 'error' || type === 'started') settleFrame(transition, `>${id}`)
}

/** Removes the oldest frame of this name. If it was sent twice, the later one stays, since the answer fits both. */
export function settleFrame(transition: Transition, name: FrameName): void {
  const { unanswered } = transition.state
  const found = unanswered.find(({ socket, frame }) => socket === transition.from && frame === name)
  if (found) transition.patch({ unanswered: unanswered.filter((each) => each !== found) })
}

/** Whether an error without an id can only be about this call: no other frame on its socket is unanswered. [TL-GW-2] */
export function isAloneInFlight(transition: Transition, id: number): boolean {
  const here = unansweredAt(transition.state, transition.now).filter(({ socket }) => socket === transition.from)
  return here.length > 0 && here.every(({ frame }) => frame === id)
}
