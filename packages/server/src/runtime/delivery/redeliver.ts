import { limits } from '@trunkline/protocol'
import type { Slot, Subscriber } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { awaitLocks } from '../stock-clients/await-locks.ts'
import type { DeliverJob } from './deliver-job.ts'
import { deliverTo } from './deliver-to-connections.ts'

/** Rows that are read again at one time. */
const readsAtOnce = 50
/** Slots that are looked at for one message. */
const tailSlots = 100

/** Posts what the log has from a failed event on: what was left out meanwhile goes with it. */
// [TL-PUSH-2]
export async function deliverAgain(
  scope: InvocationContext,
  { topic, offset, to }: Required<Pick<DeliverJob, 'topic' | 'offset' | 'to'>>,
): Promise<void> {
  const slots = await readTail(scope, topic, offset)
  if (slots.length === 0) return
  const deliveries = slots.map((slot) => ({ topic, slot }))
  const tried = async (rows: readonly Subscriber[]) =>
    (await deliverTo(scope, [{ deliveries, rows }], { again: true }))[0] ?? []
  scope.telemetry.measure('redriven', to.length)
  const live = await readAgain(scope, topic, to)
  const undelivered = await awaitLocks(scope, await tried(live), async (rows) =>
    tried(await readAgain(scope, topic, rows)),
  )
  if (undelivered.length > 0)
    throw new Error(`${undelivered.length} of ${live.length} posts of ${topic} could not be made.`)
}

/** Those of these rows that are still on, as they stand. */
async function readAgain(
  scope: InvocationContext,
  topic: string,
  to: NonNullable<DeliverJob['to']>,
): Promise<readonly Subscriber[]> {
  const live: Subscriber[] = []
  for (let at = 0; at < to.length; at += readsAtOnce) {
    const some = to.slice(at, at + readsAtOnce)
    const rows = await Promise.all(
      some.map(({ shard, connectionId, id }) => scope.store.readSubscriber(topic, shard, connectionId, id)),
    )
    live.push(...rows.filter((row): row is Subscriber => row?.on === true))
  }
  return live
}

/** The events from an offset on that one message carries, and the newest where they are more: it tells what it does not cover, and the client fetches. */
async function readTail(scope: InvocationContext, topic: string, offset: number): Promise<readonly Slot[]> {
  const page = await scope.store.readSlots(topic, offset - 1, tailSlots)
  let bytes = 0
  const end = page.slots.findIndex(({ data = '' }, index) => {
    bytes += Buffer.byteLength(data)
    return index > 0 && bytes > limits.pageBytes.value
  })
  const some = end === -1 ? page.slots : page.slots.slice(0, end)
  const newest = page.more || end !== -1 ? (await scope.store.readSlotsBefore(topic, undefined, 1)).slots : []
  return [...some, ...newest.filter((slot) => slot.offset > (some.at(-1)?.offset ?? 0))].filter(
    ({ data }) => data !== undefined,
  )
}
