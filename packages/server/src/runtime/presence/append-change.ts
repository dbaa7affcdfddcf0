import { channelOfTopic } from '../../define/topic.ts'
import { randomName } from '../../ports/clock.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { Slot } from '../../ports/store.ts'
import { canDeliver, type RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { deliverInline, inlineMs } from '../delivery/deliver.ts'
import { type AppendPlace, appendAfter } from '../log/append-once.ts'
import { fingerprintOf } from '../log/fingerprint.ts'
import type { LogRef } from '../log/replay.ts'
import { isAnchor } from '../log/retention.ts'
import { mostRaces } from './rows/member-row.ts'
import { toPresenceSlot } from './rows/views.ts'

/**
 * Repeats in the log what a row says, once whoever does it and however often, and takes note in the row. Everybody who meets a row with `pending` may do it, and who wants to
 * say more of that member must: so a member's changes stand in the log in the order they were made, each once. A leave that was told leaves no row.
 */
export async function tell(
  scope: RuntimeContext,
  log: LogRef,
  row: PresenceRow,
  newest?: Slot | null,
): Promise<PresenceRow | undefined> {
  const place = { topic: log.topic, publishId: row.said.id, base: row.said.base }
  const { slot, put } = await append(scope, log, row, newest === undefined ? place : { ...place, newest })
  const told = await takeNote(scope, row, slot)
  if (put && slot.inline !== undefined && canDeliver(scope)) await deliverInline(scope, log.topic, slot)
  return told
}

async function append(scope: RuntimeContext, { topic, retentionMs }: LogRef, row: PresenceRow, place: AppendPlace) {
  const channel = scope.channelOf(channelOfTopic(topic))
  const schema = channel && fingerprintOf(channel.event)
  const toEvent = (last: Slot | undefined) => {
    const busy = busyAfter(scope, last)
    const inline = canDeliver(scope) && busy <= burst ? { inline: scope.clock.now() + inlineMs } : {} // [TL-ROW-5]
    return { topic, retentionMs, data: toData(scope, row, last, busy), schema, ...inline }
  }
  try {
    return await appendAfter(scope, place, toEvent)
  } catch (thrown) {
    // Where the log is gone, whoever watched has a gap and reads the rows.
    if (!(thrown instanceof TrunklineError) || thrown.line !== 'KEY_EXPIRED') throw thrown
    const { slots } = await scope.store.readSlotsBefore(topic, undefined, 1)
    return appendAfter(scope, { ...place, base: slots[0]?.offset ?? 0, newest: slots[0] ?? null }, toEvent)
  }
}

/** Changes of a topic that are delivered each by its own function; of a burst beyond, the table's stream sends all that there is together. */
const [burst, perSecond] = [16, 8]

/** How busy a topic is with this change: what came lately, less `perSecond`. */
function busyAfter({ clock }: RuntimeContext, last: Slot | undefined): number {
  const before = (last && toPresenceSlot(last)?.busy) ?? 0
  const seconds = Math.max(0, clock.now() - (last?.time ?? 0)) / 1_000
  return Math.round((Math.max(0, before - seconds * perSecond) + 1) * 100) / 100
}

function toData(scope: RuntimeContext, { member, said }: PresenceRow, last: Slot | undefined, busy: number): string {
  const before = last !== undefined && isAnchor(last, scope.clock.now()) ? (toPresenceSlot(last)?.here ?? 0) : 0
  const here = said.type === 'join' ? before + 1 : said.type === 'leave' ? Math.max(0, before - 1) : before
  const data = said.data === undefined ? '' : `,"data":${said.data}`
  return `{"type":"${said.type}","member":${JSON.stringify(member)}${data},"here":${here},"busy":${busy}}`
}

/** Gives the row that stands then. Nothing to do where somebody else took the note. */
async function takeNote(scope: RuntimeContext, told: PresenceRow, { epoch }: Slot): Promise<PresenceRow | undefined> {
  let row: PresenceRow | undefined = told
  for (let race = 0; race < mostRaces && row?.pending === true && row.said.id === told.said.id; race++)
    row = await noteOn(scope, row, epoch)
  return row
}

async function noteOn(
  { store, clock }: RuntimeContext,
  row: PresenceRow,
  epoch: string,
): Promise<PresenceRow | undefined> {
  if (isEmpty(row)) {
    const outcome = await store.deletePresence(row)
    return outcome.status === 'deleted' ? undefined : outcome.row
  }
  const noted = { ...row, v: row.v + 1, mark: randomName(clock, 20), pending: false, epoch }
  const outcome = await store.putPresence(noted, row.mark)
  return outcome.status === 'put' ? noted : outcome.row
}

/** A session that came while its member's leave was pending has told that first: nobody else keeps the row. */
const isEmpty = ({ said, sessions }: PresenceRow) => said.type === 'leave' && Object.keys(sessions).length === 0
