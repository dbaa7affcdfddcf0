import type { AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import { type FrameName, unansweredAt } from './state.ts'
import type { Turn } from './transition.ts'

/** Takes note that a frame was answered. */
export function noteAnswer(turn: Turn, frame: AnswerFrame | ErrorFrame): void {
  const id = frame.id as FrameName
  const type = 'result' in frame ? frame.result.type : 'error'
  const isStop = 'result' in frame && type === 'stopped' && !('n' in frame.result) // with `n` it ends a run by itself
  settleFrame(turn, isStop ? `.${id}` : id)
  if (type === 'error' || type === 'started') settleFrame(turn, `>${id}`)
}

/** Of a frame that was sent twice the later one still counts: nobody knows which one was answered. */
export function settleFrame(turn: Turn, name: FrameName): void {
  const { unanswered } = turn.state
  const found = unanswered.find(({ socket, frame }) => socket === turn.from && frame === name)
  if (found) turn.patch({ unanswered: unanswered.filter((each) => each !== found) })
}

/** Whether an error that names no frame can be about this call alone: no other frame waits for an answer on its socket. [TL-GW-2] */
export function isAloneInFlight(turn: Turn, id: number): boolean {
  const here = unansweredAt(turn.state, turn.now).filter(({ socket }) => socket === turn.from)
  return here.length > 0 && here.every(({ frame }) => frame === id)
}
