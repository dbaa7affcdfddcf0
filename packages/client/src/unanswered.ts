import type { AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import type { AnswerKind, Unanswered } from './session-state.ts'
import type { Turn } from './turn.ts'

const answerMs = 30_000 // the gateway gives a function 29 s

/** The frames of all sockets that may still be answered. */
export function unansweredAt({ state, now }: Pick<Turn, 'state' | 'now'>): readonly Unanswered[] {
  return state.unanswered.filter(({ at }) => now - at < answerMs)
}

/** Takes note that a frame was answered. */
export function noteAnswer(turn: Turn, frame: AnswerFrame | ErrorFrame): void {
  if (frame.id !== null) settleFrame(turn, frame.id, 'error' in frame ? 'error' : kindOf(frame))
}

function kindOf({ result }: AnswerFrame): AnswerKind {
  if (result.type === 'started') return 'started'
  return result.type === 'stopped' && result.n === undefined ? 'stopped' : 'other'
}

/** Of a frame that was sent twice the later one still counts: nobody knows which one was answered. */
export function settleFrame(turn: Turn, id: number | string, answer: AnswerKind | 'error'): void {
  const { unanswered } = turn.state
  const isIt = (each: Unanswered) =>
    each.socket === turn.from &&
    each.id === id &&
    (answer === 'error' ? each.answer !== 'stopped' : each.answer === answer)
  const at = unanswered.findIndex(isIt)
  if (at >= 0) turn.patch({ unanswered: unanswered.filter((_, index) => index !== at) })
}

/** Another socket is behind this number: nothing that was sent before is answered on it. */
export function forgetUnanswered(turn: Turn): void {
  turn.patch({ unanswered: turn.state.unanswered.filter(({ socket }) => socket !== turn.from) })
}

/** Whether an error that names no frame can be about this call alone: no other frame waits for an answer on its socket. [TL-GW-2] */
export function isAloneInFlight(turn: Turn, id: number): boolean {
  const ids = new Set(unansweredAt(turn).flatMap((each) => (each.socket === turn.from ? [each.id] : [])))
  return ids.size === 1 && ids.has(id)
}
