import { channelOfTopic } from '../../define/topic.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { LogRef } from '../log/replay.ts'
import { changeMember } from '../presence/change-member.ts'
import { toPresenceSlot } from '../presence/rows/views.ts'
import type { EraseRun } from './run.ts'

/** How long the log of a presence keeps its events, where the line's declarations are not known. */
const retentionMs = 24 * 3_600_000
const writesAtOnce = 16

const logOf = ({ retentionOf }: RuntimeContext, topic: string): LogRef => ({
  topic,
  retentionMs: retentionOf(channelOfTopic(topic)) ?? retentionMs,
})

/** Whether a topic is the log of a presence: as the line declares it, or as its rows show. */
export async function isPresence({ presenceOf, channelOf, store }: RuntimeContext, topic: string): Promise<boolean> {
  const channel = channelOfTopic(topic)
  if (channelOf(channel) !== undefined) return presenceOf(channel) !== undefined
  const { rows } = await store.readPresences(topic, { limit: 1 })
  return rows.length > 0 || (await store.readSweep(topic)) > 0
}

/**
 * Ends a session of a member, and deletes the session's own row. The leave is appended to the log, so that no screen
 * keeps showing the member. Returns whether the member is absent now.
 */
export async function eraseSession(context: RuntimeContext, topic: string, key: PresenceSessionKey): Promise<boolean> {
  const row = await changeMember(context, { log: logOf(context, topic), member: key.member }, (sessions) =>
    Object.fromEntries(Object.entries(sessions).filter(([entry]) => entry !== key.entry)),
  )
  await context.store.deletePresenceSession({ topic, ...key, ref: Number.MAX_SAFE_INTEGER })
  return row === undefined || Object.keys(row.sessions).length === 0
}

/** Ends all sessions of all members of a topic, page by page. */
export async function eraseMembers(run: EraseRun, topic: string): Promise<void> {
  const { context } = run
  const { store } = context
  const log = logOf(context, topic)
  for (let more = true; more && !run.isStopped; ) {
    const from = run.state.next
    const page = await store.readPresences(topic, { limit: run.pageRows, ...(from !== undefined && { from }) })
    for (const { member } of page.rows) await changeMember(context, { log, member }, () => ({}))
    run.count({ members: page.rows.length })
    const { next: _, ...state } = run.state
    run.state = page.next === undefined ? state : { ...state, next: page.next }
    more = page.next !== undefined
    await run.finishPage({ step: 'members', done: run.state.counts.members, left: 0 }, page.rows.length)
  }
  if (run.isStopped) return
  for (let rows = await store.readPresenceSessions(topic, '', 100); rows.length > 0; ) {
    await mapConcurrent(rows, writesAtOnce, (row) => store.deletePresenceSession(row))
    rows = rows.length < 100 ? [] : await store.readPresenceSessions(topic, '', 100)
  }
}

/**
 * Removes the data of a presence log's joins and updates, of one member or of all who have left, from the newest slot
 * back. A leave stays: it has only a name, screens still need it, and the number of members is counted on from it. A
 * join or an update after the last leave belongs to a member who is present, and stays too.
 */
export async function erasePresenceEvents(run: EraseRun, topic: string, member?: string): Promise<void> {
  const { store, clock } = run.context
  const left = new Set<string>()
  let head: number | undefined
  for (let before: number | undefined; !run.isStopped; ) {
    const { slots, more } = await store.readSlotsBefore(topic, before, run.pageRows)
    const erased: number[] = []
    for (const slot of slots) {
      const change = toPresenceSlot(slot)
      if (change === undefined || (member !== undefined && change.member !== member)) continue
      if (change.type === 'leave') left.add(change.member)
      else if (left.has(change.member)) erased.push(slot.offset)
    }
    await mapConcurrent(erased, writesAtOnce, (offset) => store.eraseSlot(topic, offset, clock.now()))
    run.count({ events: erased.length })
    head ??= slots[0]?.offset ?? 0
    before = slots.at(-1)?.offset
    if (member === undefined && before !== undefined)
      await run.finishPage({ step: 'events', done: head - before + 1, left: before - 1 }, erased.length)
    else await run.pace(erased.length)
    if (!more || before === undefined) return
  }
}
