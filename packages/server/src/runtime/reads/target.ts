import { TRPCError } from '@trpc/server'
import { depthFlaw, depthsOf, flawText, pathFlaw, withDocs } from '@trunkline/protocol'
import { notServed } from '../../define/definition.ts'
import type { PipeStep, SubscriptionDescriptor } from '../../define/subscription.ts'
import { announcedParams } from '../connections/connection-params.ts'
import { holdAuthority } from '../connections/renew-auth.ts'
import { type ConnectionCaller, toFacts } from '../context/caller.ts'
import { untilAborted } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { placePartition } from '../log/place-partition.ts'
import type { LogRef, Replay } from '../log/replay.ts'
import { viewPipes } from '../presence/rows/views.ts'
import { readMembersNow, snapshotCount } from '../presence/snapshot.ts'
import { checkAnonymous } from '../procedures/check-anonymous.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { describeSubscription } from '../procedures/run-procedure.ts'
import { checkRight, guardOf } from '../procedures/topic-rights.ts'
import { countCall } from '../rates/count-call.ts'
import { countFrames } from '../rates/count-frames.ts'
import type { StreamRef } from '../streams/stream-log.ts'
import { checkHasLog, refuseGenerator } from '../subscriptions/needs-socket.ts'

/** A subscription whose log a caller may read. */
export interface ReadTarget {
  readonly path: string
  readonly log: LogRef
  readonly pipe: readonly PipeStep[]
  /** Present for the log of a stream. */
  readonly stream: StreamRef | undefined
  /** Loads the state that a subscription begins with, and returns the position that it is of. */
  readonly loadState: ((at: Replay) => Promise<{ readonly at: Replay; readonly state: unknown }>) | undefined
  /** Asks again whether the caller may read. Throws if not. Does nothing for a channel without `recheck`. */
  recheck(): Promise<void>
}

/** A read, as a caller asks for it. `input` is JSON text. */
export interface ReadQuestion {
  readonly path: string
  readonly input: string | undefined
}

/**
 * Runs the procedure of a subscription for a caller, with all its checks, to read what it follows. Writes no row and
 * makes nobody present. Counts as a subscribe of the caller. Throws what the procedure throws, and NEEDS_SOCKET for a
 * subscription without a log.
 */
// [TL-READ-1] [TL-READ-10]
export async function openTarget(
  context: InvocationContext,
  sender: ConnectionCaller,
  { path, input }: ReadQuestion,
): Promise<ReadTarget> {
  const flaw = pathFlaw(path)
  if (flaw !== undefined) throw new TRPCError({ code: 'BAD_REQUEST', message: flaw })
  const parsed = parseInput(input)
  await countRead(context, sender)
  const caller = await holdAuthority(context, sender)
  await checkAnonymous(context, caller, path)
  await loadProcedure(context, path)
  await countCall(context, caller, path)
  await refuseGenerator(context, path)
  const facts = toFacts(caller, 'frame', { connectionParams: null })
  const { signal } = context.running ?? context.deadline
  const run = { path, input: parsed, facts, signal, batchIndex: 0 }
  const described = await context.enter(context, () => describeSubscription(context.server, run))
  const found = described.status === 'channel' ? described.descriptor : undefined
  // A page has one log, so it merges no partitions. [TL-PART-3]
  const asOneLog = { caller: { extensions: false }, request: { path, merges: false } }
  const descriptor = found && (await placePartition(context, asOneLog, found))
  checkHasLog(path, descriptor)
  return toTarget(context, { caller, path }, descriptor as SubscriptionDescriptor) // it has a log
}

const frameDepth = 2 // a frame has two levels of its own

function parseInput(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    const flaw = depthsOf(`[${text}]`)
      .map((depth) => depthFlaw(depth + frameDepth))
      .find(Boolean)
    if (flaw !== undefined) throw new TRPCError({ code: 'BAD_REQUEST', message: flaw })
    return JSON.parse(text) as unknown
  } catch (thrown) {
    if (thrown instanceof TRPCError) throw thrown
    const message = `${flawText('input as JSON', 'a text that is not JSON')} Write ?input={"room":"7"}, percent-encoded.`
    throw new TRPCError({ code: 'BAD_REQUEST', message })
  }
}

async function countRead(context: InvocationContext, caller: ConnectionCaller): Promise<void> {
  const rates = await countFrames(context, { caller, params: announcedParams(context, caller) }, ['subscription'])
  const excess = rates.refusal(0, 'subscription')
  await rates.end()
  if (excess !== undefined) throw excess
}

async function toTarget(
  context: InvocationContext,
  { caller, path }: { readonly caller: ConnectionCaller; readonly path: string },
  { channel, topic, pipe, load, presence }: SubscriptionDescriptor,
): Promise<ReadTarget> {
  if (context.channelOf(channel.name) !== channel)
    throw new Error(withDocs('lines', `Channel ${channel.name} ${notServed}. Pass the line that declares it.`))
  const { retentionMs = 0, stream } = channel
  const log: LogRef = { topic, retentionMs, ...(stream !== undefined && { isStream: true }) }
  await checkRight(context, topic, caller)
  const rechecks = guardOf(context, topic)?.recheck !== undefined
  return {
    ...{ path, log },
    pipe: presence === undefined ? pipe : viewPipes[presence.view],
    stream: stream && { topic, retentionMs, rules: stream },
    loadState:
      presence === undefined
        ? load && (async (at) => ({ at, state: await loadWithin(context, load) }))
        : (at) => presenceAt(context, log, { at, view: presence.view }),
    recheck: async () => (rechecks ? checkRight(context, topic, caller) : undefined),
  }
}

function loadWithin(context: InvocationContext, load: () => unknown): Promise<unknown> {
  const loading = context.enter(context, async () => load())
  return untilAborted((context.running ?? context.deadline).signal, loading)
}

/**
 * Who is present, without ending what is over, which would write. Of the members, changes after the position may be
 * contained already; applied again, they change nothing.
 */
async function presenceAt(
  context: InvocationContext,
  log: LogRef,
  { at, view }: { readonly at: Replay; readonly view: 'members' | 'count' },
): Promise<{ readonly at: Replay; readonly state: unknown }> {
  if (view === 'members') return { at, state: { type: 'here', members: await readMembersNow(context, log.topic) } }
  const { found, state } = await snapshotCount(context, log, at)
  return { at: found, state }
}
