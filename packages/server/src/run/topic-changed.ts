import { LineFailure } from './line-failure.ts'

/** [TL-SUB-14] What the client is told; it subscribes anew under another id. */
export function topicChanged(path: string): LineFailure {
  return new LineFailure('TOPIC_CHANGED', `Procedure "${path}" names another topic than when this began.`)
}
