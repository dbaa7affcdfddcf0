import type { AnnouncedParams } from '../connections/connection-params.ts'
import { type KickWatch, watchKick } from '../connections/watch-kick.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import { copyContext, type InvocationContext } from '../context/runtime-context.ts'
import type { Frame } from '../encoding/encode.ts'
import { deleteConnection } from '../posting/post.ts'
import { answerTask } from './dispatch.ts'
import { MessageAnswers, textOfOneMessage } from './message-answers.ts'
import { MessageSender, methodOfTask } from './message-sender.ts'
import type { Task } from './plan-batch.ts'

/** Answers nothing: a two-way route must return something, and every client ignores this. [TL-STOCK-8] */
export const emptyResponse = '{}'

/**
 * Subscribes of one message that run at once. A client sends at most two messages at a time, and the table takes a
 * thousand writes a second under one connection's key.
 */
const subscribesAtOnce = 8

/** The sender of a message, and how its answer travels. */
export interface AnsweredMessage {
  readonly context: InvocationContext
  readonly caller: ConnectionCaller
  /** When the rows of the connection expire, in epoch seconds. */
  readonly expires: number
  readonly twoWay: boolean
  readonly params: AnnouncedParams
}

/**
 * Runs all tasks of a message at once and posts the answers when they are there. The last ones are returned instead
 * where the route is two-way. When the announced parameters are missing or refused, all answers are posted, and then the
 * connection is deleted. [TL-STOCK-5] [TL-STOCK-11]
 */
// [TL-CALL-1] [TL-BATCH-1]
export async function answerTasks(answering: AnsweredMessage, tasks: readonly Task[]): Promise<string> {
  const { caller } = answering
  const watch = tasks.some(runsProcedure) ? watchKick(answering.context, caller) : undefined
  try {
    const context = copyContext(answering.context)
    context.running = watch
    context.telemetry.measure('frames', tasks.length)
    const sender = new MessageSender(context, answering, tasks)
    const message = { context, answering, sender, watch }
    const [only] = tasks
    if (tasks.length !== 1 || only === undefined) return await answerMessage(message, tasks)
    const frames = await answerTask(context, sender, only)
    return textOfOnly(message, frames) ?? (await answerMessage(message, tasks, frames))
  } finally {
    watch?.[Symbol.dispose]()
  }
}

/** A message whose tasks run. */
interface RunningMessage {
  readonly context: InvocationContext
  readonly answering: AnsweredMessage
  readonly sender: MessageSender
  readonly watch: KickWatch | undefined
}

/**
 * The text of the only answer of a message, if it is returned as it is: it is one frame in one message, and nothing has
 * to be posted, written or reported.
 */
function textOfOnly({ answering, sender, watch }: RunningMessage, frames: readonly Frame[]): string | undefined {
  const { caller, twoWay, params } = answering
  if (!twoWay || params.endConnection || watch?.isKicked === true || !sender.isPlain) return undefined
  return textOfOneMessage(caller, frames)
}

/** Runs the tasks, unless the only one was answered by `frames`, and sends the answers. */
async function answerMessage(
  { context, answering, sender, watch }: RunningMessage,
  tasks: readonly Task[],
  frames?: readonly Frame[],
): Promise<string> {
  const { caller, twoWay, params } = answering
  const answers = new MessageAnswers(
    {
      ...{ context, caller },
      returnsLast: () => twoWay && !params.endConnection,
      isEnded: () => watch?.isKicked === true, // nothing is posted to it [TL-KICK-2]
      beforeSend: () => sender.settle(),
    },
    tasks.length,
  )
  if (frames !== undefined) answers.add(frames)
  else await runAll(tasks, async (task) => answers.add(await answerTask(context, sender, task)))
  sender.expectNone()
  const returned = await answers.end()
  sender.reportSyncs()
  if (params.endConnection) await deleteConnection(context, caller.connectionId)
  return returned ?? emptyResponse
}

const procedureMethods: ReadonlySet<unknown> = new Set(['query', 'mutation', 'subscription'])

/** Whether a procedure runs for the task: it may take long. */
function runsProcedure(task: Task): boolean {
  return 'request' in task && procedureMethods.has(task.request.method)
}

/** Runs the tasks of a message at once, but for subscribes and syncs. */
async function runAll(tasks: readonly Task[], run: (task: Task) => Promise<void>): Promise<void> {
  const [subscribing, syncing]: [Task[], Task[]] = [[], []]
  const running: Promise<unknown>[] = []
  for (const task of tasks) {
    const method = methodOfTask(task)
    if (method === 'subscription') subscribing.push(task)
    else if (method === 'sync') syncing.push(task)
    else running.push(run(task))
  }
  if (subscribing.length > 0) running.push(mapConcurrent(subscribing, subscribesAtOnce, run))
  if (syncing.length > 0) running.push(mapConcurrent(syncing, 1, run)) // each reads what the ones before it have left
  await Promise.all(running)
}
