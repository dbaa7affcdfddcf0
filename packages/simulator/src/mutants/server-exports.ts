import type { Slot, Store } from '@trunkline/server/ports'
import { randomName } from '../../../server/src/ports/clock.ts'
import type { watchRun } from '../../../server/src/runtime/calls/run-lease.ts'
import type { isEnded } from '../../../server/src/runtime/connections/restrictions.ts'
import type { firstShard } from '../../../server/src/runtime/context/shard-hints.ts'
import type { completeLease } from '../../../server/src/runtime/delivery/acquire-shard-lease.ts'
import type { deliverTo } from '../../../server/src/runtime/delivery/deliver-to-connections.ts'
import type { requestLease } from '../../../server/src/runtime/delivery/shard-lease.ts'
import type { finishRun } from '../../../server/src/runtime/generators/finish-run.ts'
import type { append } from '../../../server/src/runtime/log/append.ts'
import type { appendAfter } from '../../../server/src/runtime/log/append-once.ts'
import type { isAnchor } from '../../../server/src/runtime/log/retention.ts'
import type { postOnce } from '../../../server/src/runtime/posting/post-once.ts'
import type { changeMember } from '../../../server/src/runtime/presence/change-member.ts'
import type { disconnectRow } from '../../../server/src/runtime/presence/rows/disconnect-session.ts'
import type { presenceAt } from '../../../server/src/runtime/presence/rows/find-presence.ts'
import type { snapshotMembers } from '../../../server/src/runtime/presence/snapshot.ts'
import type { sweepIfDue } from '../../../server/src/runtime/presence/sweep.ts'
import type { stopStream } from '../../../server/src/runtime/producers/stop-stream.ts'
import type { isCurrent } from '../../../server/src/runtime/recipients/current-rows.ts'
import type { judge, stateAfter } from '../../../server/src/runtime/streams/state.ts'
import type { toPoll } from '../../../server/src/runtime/subscriptions/poll.ts'
import type { subscribeRight } from '../../../server/src/runtime/subscriptions/subscribe-right.ts'
import { hooks, type ScheduleHooks } from '../records/application.ts'
import { withStore } from './ports.ts'

/** Makes the replacement of an exported function from the original. */
type Replace<F> = (original: F) => F

/** A post whose outcome is unknown counts as posted. */
export const uncertainPostCounts: Replace<typeof postOnce> = (original) => async (context, connectionId, text) => {
  const outcome = await original(context, connectionId, text)
  return outcome === 'uncertain' ? 'posted' : outcome
}

/** A holder completes its lease without the offsets that other jobs recorded. */
export const recordedOffsetsAreIgnored: Replace<typeof completeLease> = (original) => (context, name) => {
  const { store } = context
  return original(
    {
      ...context,
      store: withStore(store, {
        async readShardLease(topic, shard) {
          const { nextOffset: _, ...row } = (await store.readShardLease(topic, shard)) ?? {}
          return 'version' in row ? row : undefined
        },
      }),
    },
    name,
  )
}

/** An offset that was recorded before the job's events were appended is sufficient. */
export const olderOffsetIsSufficient: Replace<typeof requestLease> = (original) => (lease, requested, options) =>
  original(lease, requested, { ...options, wasWrittenSince: true })

/** The offset of an event comes from a counter, and not from the slot before it. */
export const offsetIsCounted: Replace<typeof append> = (original) => {
  const counters = new WeakMap<ScheduleHooks, Map<string, number>>()
  return async (context, request) => {
    const schedule = hooks.current as ScheduleHooks
    const counts = counters.get(schedule) ?? new Map<string, number>()
    counters.set(schedule, counts)
    let counted: Slot | undefined
    const putSlot: Store['putSlot'] = async (topic, slot) => {
      const offset = Math.max(slot.offset - 1, counts.get(topic) ?? 0) + 1
      counts.set(topic, offset)
      counted = { ...slot, offset }
      return context.store.putSlot(topic, counted)
    }
    const appended = await original({ ...context, store: withStore(context.store, { putSlot }) }, request)
    return appended.slot.publishId === counted?.publishId ? { ...appended, slot: counted } : appended
  }
}

/** Each slot is an anchor, however old it is. */
export const everySlotIsAnchor: Replace<typeof isAnchor> = () => (slot) => slot.offset > 0

/** Each attempt of a subscribe chooses another shard. */
export const eachAttemptChoosesShard: Replace<typeof firstShard> = () => {
  let attempts = 0
  return (known, topic) => attempts++ % (known.get(topic) ?? 1)
}

/** A function ends without waiting for slow deliveries to stock clients. */
export const slowDeliveriesAreNotAwaited: Replace<typeof deliverTo> =
  (original) =>
  (context, groups, { trackPending: _, ...options } = {}) =>
    original(context, groups, options)

/** A run continues after its subscription was stopped. */
export const runIgnoresStop: Replace<typeof watchRun> = (original) => (scope, watched) =>
  original(scope, { ...watched, endOf: () => undefined })

/** A run stops its row before its final frames are posted. */
export const rowStopsBeforeFinalFrames: Replace<typeof finishRun> = (original) => async (scope, run, result) => {
  if (result.status !== 'done' && result.status !== 'failed') return original(scope, run, result)
  const frames: Parameters<typeof run.posts.add>[0][] = []
  const posts = { add: async (frame: (typeof frames)[number]) => void frames.push(frame), drain: async () => {} }
  await original(scope, Object.create(run, { posts: { value: posts } }) as typeof run, result)
  for (const frame of frames) await run.posts.add(frame)
  await run.posts.drain()
}

/** A session ends with its connection, without a grace period. */
export const graceIsZero: Replace<typeof presenceAt> = (original) => (context, topic) => {
  const found = original(context, topic)
  return found && { ...found, rules: { ...found.rules, graceMs: 0 } }
}

/** A session ends with any connection of its member, also with one that it has left. */
export const sessionEndsWithAnyConnection: Replace<typeof disconnectRow> = (original) => async (context, row) => {
  const { topic, seat } = row
  const member = seat && (await context.store.readPresence(topic, seat.member))
  const connectionId = (seat && member?.sessions[seat.entry]?.connectionId) ?? row.connectionId
  return original(context, { ...row, connectionId })
}

/** A snapshot shows changes that the log does not have yet. */
export const snapshotIgnoresPending: Replace<typeof snapshotMembers> = (original) => (context, log, start) => {
  const { store } = context
  return original(
    {
      ...context,
      store: withStore(store, {
        async readPresences(topic, options) {
          const page = await store.readPresences(topic, options)
          return { ...page, rows: page.rows.map((row) => ({ ...row, pending: false })) }
        },
      }),
    },
    log,
    start,
  )
}

/** Sessions whose lease has expired are never removed. */
export const nothingIsSwept: Replace<typeof sweepIfDue> = () => async () => {}

/** A member's change overwrites a change that the log does not have yet. */
export const pendingChangeIsOverwritten: Replace<typeof changeMember> = (original) => (context, of, apply) => {
  const { store } = context
  return original(
    {
      ...context,
      store: withStore(store, {
        async readPresence(topic, member) {
          const row = await store.readPresence(topic, member)
          return row && { ...row, pending: false }
        },
      }),
    },
    of,
    apply,
  )
}

/** Each writer that completes a pending change appends it under an id of its own. */
export const pendingChangeHasNewId: Replace<typeof appendAfter> = (original) => (scope, place, toEvent) =>
  original(scope, { ...place, publishId: place.publishId + randomName(scope.clock, 4) }, toEvent)

/** A resume does not ask who may get its topic. */
export const resumeIsNotChecked: Replace<typeof subscribeRight> = (original) => (context, descriptor, options) => {
  const right = original(context, descriptor, options)
  if (options.attempt.ref === 1) return right
  return { ...right, beforeClaim: async () => {}, confirm: async () => {} }
}

/** A row that was read counts as on, however long ago that was. */
export const oldRowsAreCurrent: Replace<typeof isCurrent> = () => async () => true

/** Nothing that runs notices that its connection was ended. */
export const noRunEnds: Replace<typeof isEnded> = () => async () => false

/** A producer puts chunks whatever the state of its stream is. */
export const chunksAreAlwaysLawful: Replace<typeof stateAfter> = (original) => (evidence, write, law) => {
  const known = original(evidence, write, law)
  if (known !== undefined || write.kind !== 'chunks' || evidence.state === undefined) return known
  return { ...evidence.state, n: evidence.state.n + write.count }
}

/** A producer closes its stream whatever the state is. */
export const closesAreAlwaysLawful: Replace<typeof stateAfter> = (original) => (evidence, write, law) => {
  const known = original(evidence, write, law)
  if (known !== undefined || write.kind !== 'close' || evidence.state === undefined) return known
  return { ...evidence.state, at: 'closed', outcome: write.outcome }
}

/** A run that begins again looks like one that goes on. */
export const noRunIsMarkedAnew: Replace<typeof stateAfter> = (original) => (evidence, write, law) => {
  const known = original(evidence, write, law)
  if (known === undefined) return known
  const { anew: _, ...state } = known
  return state
}

/** A stream that closes when it is lost is claimed again. */
export const lostStreamsAreClaimed: Replace<typeof stateAfter> = (original) => (evidence, write, law) =>
  original(evidence, write, { ...law, onLost: 'continue' })
export const lostStreamsAreJudgedToContinue: Replace<typeof judge> = (original) => (evidence) =>
  original(evidence, { onLost: 'continue' })

/** A stop is answered, and the log does not know of it. */
export const stopPutsNothing: Replace<typeof stopStream> = () => async () => ({ type: 'stopped' })
/** A poll never reads the slot at the position of a subscription. */
export const positionIsNeverVerified: Replace<typeof toPoll> = (original) => (asked, now) => {
  const poll = original(asked, now)
  return poll && { ...poll, verifies: false }
}
