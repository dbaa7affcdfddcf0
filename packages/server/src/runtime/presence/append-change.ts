import { channelOfTopic } from '../../define/topic.ts'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { Appended, Tail } from '../context/append-queues.ts'
import { canDeliver, type RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { deliverInline, inlineMs } from '../delivery/deliver.ts'
import { readNewest } from '../log/append.ts'
import { type AppendPlace, appendAfter } from '../log/append-once.ts'
import { fingerprintOf } from '../log/fingerprint.ts'
import type { LogRef } from '../log/replay.ts'
import { isAnchor } from '../log/retention.ts'
import { mostRaces } from './rows/member-row.ts'
import { toPresenceSlot } from './rows/views.ts'

/**
 * Appends the row's pending change to the log exactly once, then clears `pending`. Any writer may complete a pending
 * change, and must do so before making another change to the same member. A member's changes therefore appear in the
 * log once and in order. A row whose leave is in the log and that has no sessions is deleted. Returns the current row;
 * undefined when none exists.
 */
export async function appendChange(
  context: RuntimeContext,
  log: LogRef,
  row: PresenceRow,
  { newest }: { readonly newest?: Slot | null } = {},
): Promise<PresenceRow | undefined> {
  const { topic } = log
  const place = { topic, publishId: row.said.id, base: row.said.base, ...(newest !== undefined && { newest }) }
  const { slot, delivered } = await context.appends.run(
    topic,
    (tail) => append(context, log, row, { place, tail }),
    context.deadline,
  )
  const current = await clearPending(context, row, slot)
  await delivered
  return current
}

async function append(
  context: RuntimeContext,
  { topic, retentionMs }: LogRef,
  row: PresenceRow,
  { place, tail }: { readonly place: AppendPlace; readonly tail: Tail | undefined },
): Promise<Appended> {
  const channel = context.channelOf(channelOfTopic(topic))
  const schema = channel && fingerprintOf(channel.event)
  const toEvent = (last: Slot | undefined) => {
    const busy = busyAfter(context, last)
    const inline = canDeliver(context) && busy <= burst ? { inline: context.clock.now() + inlineMs } : {} // [TL-ROW-5]
    return { retentionMs, data: toData(context, row, { last, busy }), schema, ...inline }
  }
  const appended = await appendAfter(context, place, { toEvent, tail }).catch(async (thrown: unknown) => {
    // The log has expired since `base` was read. Watchers get a gap and then read the rows, so any place will do.
    if (!(thrown instanceof TrunklineError) || thrown.line !== 'KEY_EXPIRED') throw thrown
    const newest = await readNewest(context, topic)
    return appendAfter(context, { ...place, base: newest?.offset ?? 0, newest: newest ?? null }, { toEvent })
  })
  const isDelivered = appended.put && appended.slot.inline !== undefined && canDeliver(context)
  return { ...appended, ...(isDelivered && { deliver: (slots) => deliverInline(context, topic, slots) }) }
}

/**
 * The functions that make the first 16 changes of a burst also deliver them. The table's stream delivers later changes
 * together.
 */
const [burst, perSecond] = [16, 8]

/** The number of recent changes of a topic, this one included; 8 are subtracted for each second that has passed. */
function busyAfter({ clock }: RuntimeContext, last: Slot | undefined): number {
  const before = (last && toPresenceSlot(last)?.busy) ?? 0
  const seconds = Math.max(0, clock.now() - (last?.time ?? 0)) / 1_000
  return Math.round((Math.max(0, before - seconds * perSecond) + 1) * 100) / 100
}

function toData(
  context: RuntimeContext,
  { member, said }: PresenceRow,
  { last, busy }: { readonly last: Slot | undefined; readonly busy: number },
): string {
  const before = last !== undefined && isAnchor(last, context.clock.now()) ? (toPresenceSlot(last)?.here ?? 0) : 0
  const here = said.type === 'join' ? before + 1 : said.type === 'leave' ? Math.max(0, before - 1) : before
  const data = said.data === undefined ? '' : `,"data":${said.data}`
  return `{"type":"${said.type}","member":${JSON.stringify(member)}${data},"here":${here},"busy":${busy}}`
}

/** Returns the current row. Does nothing when another writer has cleared `pending`. */
async function clearPending(
  context: RuntimeContext,
  appended: PresenceRow,
  { epoch }: Slot,
): Promise<PresenceRow | undefined> {
  let row: PresenceRow | undefined = appended
  for (let race = 0; race < mostRaces && row?.pending === true && row.said.id === appended.said.id; race++)
    row = await clearOnce(context, row, epoch)
  return row
}

async function clearOnce(
  { store, clock }: RuntimeContext,
  row: PresenceRow,
  epoch: string,
): Promise<PresenceRow | undefined> {
  if (isEmpty(row)) {
    const outcome = await store.deletePresence(row)
    return outcome.status === 'deleted' ? undefined : outcome.row
  }
  const cleared = { ...row, v: row.v + 1, mark: randomName(clock, 20), pending: false, epoch }
  const outcome = await store.putPresence(cleared, row.mark)
  return outcome.status === 'put' ? cleared : outcome.row
}

/** Whether the row can be deleted. A session that joined while the leave was pending has appended the leave first. */
const isEmpty = ({ said, sessions }: PresenceRow) => said.type === 'leave' && Object.keys(sessions).length === 0
