import { createDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { answerTask, type Sender } from './dispatch.ts'
import type { Task } from './plan-batch.ts'

/** Answers nothing: a two-way route must return something, and every client ignores this. [TL-STOCK-8] */
export const emptyResponse = '{}'

/** The sender of a message, and how its answer travels. */
export interface Answering extends Sender {
  readonly scope: InvocationContext
  /** The route answers with what the function returns. */
  readonly twoWay: boolean
}

/** Milliseconds for answers posted after the frame's deadline: part of the time that a function keeps before its end. */
const graceMs = 400

/**
 * Subscribes of one message that run at once. A client sends at most two messages at a time, and the table takes a
 * thousand writes a second under one connection's key.
 */
const subscribesAtOnce = 8

/**
 * Runs all tasks of a message at once and posts each answer when it is there. The last answer is returned instead where
 * the route is two-way.
 */
// [TL-CALL-1] [TL-BATCH-1]
export async function answerTasks(answering: Answering, tasks: readonly Task[]): Promise<string> {
  let running = tasks.length
  answering.scope.telemetry.measure('frames', tasks.length)
  let returned = emptyResponse
  const send = async (frames: readonly string[]) => {
    running -= 1
    const messages = toMessages(frames, answering.caller.extensions)
    const carried = running === 0 && answering.twoWay ? messages.length - 1 : messages.length
    returned = messages[carried] ?? returned
    await postAll(answering, messages.slice(0, carried))
  }
  const run = (task: Task) => answerTask(answering.scope, answering, task).then(send)
  const isSubscribe = (task: Task) => 'request' in task && task.request.method === 'subscription'
  const subscribes = tasks.filter(isSubscribe)
  const worker = async () => {
    for (let task = subscribes.shift(); task !== undefined; task = subscribes.shift()) await run(task)
  }
  const workers = Array.from({ length: Math.min(subscribesAtOnce, subscribes.length) }, worker)
  await Promise.all([...tasks.filter((task) => !isSubscribe(task)).map(run), ...workers])
  return returned
}

/** Answers with one text: as the route's own answer, or by a post. */
export async function answerText(answering: Answering, text: string): Promise<string> {
  if (answering.twoWay) return text
  await postAll(answering, [text])
  return emptyResponse
}

/**
 * Posts texts in order. A stock client neither misses nor orders an answer, so where a post fails its connection is
 * deleted, and it resumes with a new one. [LAW-STOCK-ORDER] Our client asks again after its own deadline.
 */
async function postAll({ scope, caller }: Answering, messages: readonly string[]): Promise<void> {
  for (const text of messages) {
    using grace = createDeadline(scope.clock, graceMs)
    const late = scope.deadline.signal.aborted ? { ...scope, deadline: grace } : scope
    const posted = await post(late, caller.connectionId, text)
    if (posted === 'posted') continue
    if (posted !== 'gone' && !caller.extensions)
      await deleteConnection({ ...scope, deadline: grace }, caller.connectionId)
    return
  }
}
