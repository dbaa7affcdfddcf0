import type { Outcome } from '../../define/stream-rules.ts'
import { randomName } from '../../ports/clock.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { releasePlace } from '../streams/settle.ts'
import { putStreamSlot, readHead, type StreamRef } from '../streams/stream-log.ts'

/**
 * Stops a stream and returns how it has ended, which may be another outcome. When it has returned, the log has a close
 * and takes nothing after it. A conflict is decided again without a pause, since a stream has one rival: its producer.
 */
// [LAW-STREAM]
export async function stopStream(context: RuntimeContext, ref: StreamRef): Promise<Outcome> {
  context.deadline?.signal.throwIfAborted() // nothing is written after the deadline
  const stopped = { type: 'stopped' } as const
  for (let head = await readHead(context, ref.topic); ; ) {
    const { state } = head
    if (state?.at === 'closed') return state.outcome ?? stopped
    const evidence = { state, time: head.time, lastSign: head.time, now: context.clock.now() } // a stop needs no more
    const slot = { write: { kind: 'close', outcome: stopped }, publishId: randomName(context.clock, 20) } as const
    const put = await putStreamSlot(context, ref, { head, evidence, slot })
    if (put.status === 'put') {
      await releasePlace(context, state?.place)
      return stopped
    }
    head = put.head
  }
}

const pageSlots = 100

/**
 * Stops a stream, then erases its chunks and its other rows. The slots stay: in an emptied log a producer that still
 * lives could put its next slot.
 */
export async function eraseStream(context: RuntimeContext, ref: StreamRef): Promise<Outcome> {
  const outcome = await stopStream(context, ref)
  for (let after = 0, more = true; more; ) {
    const page = await context.store.readSlots(ref.topic, after, pageSlots)
    for (const { offset, data } of page.slots)
      if (data !== undefined) await context.store.eraseSlot(ref.topic, offset, context.clock.now())
    after = page.slots.at(-1)?.offset ?? after
    more = page.more && page.slots.length > 0
  }
  await context.store.deleteStreamRows(ref.topic)
  return outcome
}
