import type { Slot, Subscriber } from '../ports/store.ts'
import { evaluate } from './chain.ts'
import { endSubscriber } from './end-subscriber.ts'
import { cursorOf, ephemeralResult, eventResult, faultResult, frameText } from './frames.ts'
import { mayHear } from './may-hear.ts'
import { noticeAgeing } from './notice.ts'
import { oversized, stockBytes } from './oversized.ts'
import { createPipeline } from './pipeline.ts'
import type { Posted } from './post.ts'
import { postFrame } from './post-frame.ts'
import { toTRPCError } from './reply.ts'
import type { ServedScope } from './scope.ts'
import { deliverToStock } from './stock-chain.ts'

/** One event on its way to its subscribers: of a log, or of an ephemeral channel. */
export type Delivery =
  | { readonly topic: string; readonly slot: Slot; readonly data?: undefined }
  | { readonly topic: string; readonly data: string; readonly slot?: undefined }

const postsAtOnce = 50

/** Posts one event to these subscribers, each connection alone: what hangs or fails there stops nobody else (law 10). Prunes the gone; returns the rows that it could not be posted to within the budget and the scope's deadline. */
export async function deliverTo(
  scope: ServedScope,
  delivery: Delivery,
  subscribers: readonly Subscriber[],
): Promise<readonly Subscriber[]> {
  const toFrame = framer(scope, delivery)
  const undelivered: Subscriber[] = []
  let next = 0
  const worker = async () => {
    for (let row = subscribers[next++]; row !== undefined; row = subscribers[next++])
      if (!(await delivers(scope, delivery, row, toFrame))) undelivered.push(row)
  }
  await Promise.all(Array.from({ length: Math.min(postsAtOnce, subscribers.length) }, worker))
  return undelivered
}

type ToFrame = (row: Subscriber) => Promise<string | undefined>

async function delivers(scope: ServedScope, { slot }: Delivery, row: Subscriber, toFrame: ToFrame): Promise<boolean> {
  try {
    if (!mayHear(scope, row)) return true
    return await (isChained(row, slot) ? deliverToStock(scope, row, slot) : deliverOne(scope, row, toFrame))
  } catch (thrown) {
    scope.server.report({ error: toTRPCError(thrown), path: row.path, cause: 'delivery' })
    return false
  }
}

async function deliverOne(scope: ServedScope, row: Subscriber, toFrame: ToFrame): Promise<boolean> {
  const text = await toFrame(row)
  if (text === undefined || !mayHear(scope, row)) return true
  const posted = await postEvent(scope, row, text)
  if (posted === 'gone') await scope.store.deleteSubscriber(row) // that one row (law 8)
  if (posted === 'posted') await noticeAgeing(scope, row)
  return posted !== 'undelivered'
}

/** What is too large for a stock client ends its subscription. */
async function postEvent(scope: ServedScope, row: Subscriber, text: string): Promise<Posted> {
  if (row.extensions || Buffer.byteLength(text) <= stockBytes) return postFrame(scope, row, text)
  await endSubscriber(scope, row, oversized(text)) // [TL-CHUNK-11]
  return 'posted'
}

/** Law 17: a log's events reach a stock client one at a time. */
function isChained({ extensions }: Subscriber, slot: Slot | undefined): slot is Slot {
  return !extensions && slot !== undefined
}

/** Makes a subscriber's frame; what is the same for all of them is made once. */
function framer(scope: ServedScope, delivery: Delivery): ToFrame {
  const pipeline = createPipeline(scope, delivery)
  let plain: string | undefined
  return async (row) => {
    if (row.piped === undefined) plain ??= plainResult(scope, delivery, row.path)
    const result = row.piped === undefined ? plain : await pipeline(row, row.piped)
    return result === undefined ? undefined : frameText(row.id, result)
  }
}

function plainResult(scope: ServedScope, delivery: Delivery, path: string): string {
  if (delivery.slot === undefined) return ephemeralResult(scope.server, JSON.parse(delivery.data))
  const cursor = cursorOf(scope, delivery.slot)
  const evaluated = evaluate([], delivery.slot)
  if (evaluated.status === 'match') return eventResult(scope.server, cursor, path, evaluated.event)
  const thrown = evaluated.status === 'failed' ? evaluated.thrown : new Error('This slot holds no event.')
  return faultResult(scope.server, cursor, path, thrown)
}
