import { defined } from '@trunkline/protocol'
import type { StreamRules } from '../../define/stream-rules.ts'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { expiresFor, isAnchor } from '../log/retention.ts'
import {
  type Evidence,
  formatState,
  lapseMs,
  parseState,
  type StreamLaw,
  type StreamState,
  type StreamWrite,
  stateAfter,
} from './state.ts'

/** A stream of a line: its log and its rules. */
export interface StreamRef {
  readonly topic: string
  readonly retentionMs: number
  readonly rules: StreamRules
}

/** The newest slot of a stream's log, and the slot that has the stream's state. */
export interface StreamHead {
  /** Undefined for an empty log, and for one whose newest slot is no anchor: the next slot begins a new epoch. */
  readonly newest: Slot | undefined
  /** The offset of the newest slot that was seen, of whichever epoch; 0 for an empty log. */
  readonly offset: number
  /** Undefined for an idle stream. */
  readonly state: StreamState | undefined
  /** When the slot of the state was put, and its offset; 0 for an idle stream. */
  readonly time: number
  readonly stateOffset: number
}

/** A slot of a stream, before its place in the log is known. */
export interface StreamSlot {
  readonly write: StreamWrite
  /** The writer's own name for this slot. */
  readonly publishId: string
  /** Chunks: a JSON array. */
  readonly data?: string
  readonly schema?: string
  /** The time that the slot states. @default now */
  readonly time?: number
}

/** The result of a put: `put` also if an earlier try of the same slot stands; `unlawful` if nothing was written. */
export type StreamPut = {
  readonly status: 'put' | 'conflict' | 'unlawful'
  /** The newest slot and the state that are known now. */
  readonly head: StreamHead
  /** The slot that stands, of a put. */
  readonly slot?: Slot
}

const pageSlots = 64

/** The newest slot and the state of a stream. Strongly consistent. */
export async function readHead(context: RuntimeContext, topic: string): Promise<StreamHead> {
  const { slots } = await context.store.readSlotsBefore(topic, undefined, 1)
  return headOf(context, topic, slots[0])
}

/**
 * The head when `newest` is the newest slot. A slot without a state does not change the stream: the state is that of
 * the last slot of its epoch that has one.
 */
export async function headOf(context: RuntimeContext, topic: string, newest: Slot | undefined): Promise<StreamHead> {
  if (newest === undefined || !isAnchor(newest, context.clock.now()))
    return { newest: undefined, offset: newest?.offset ?? 0, state: undefined, time: 0, stateOffset: 0 }
  const bare = { newest, offset: newest.offset, state: undefined, time: 0, stateOffset: 0 }
  for (let slots: readonly Slot[] = [newest], more = true; ; ) {
    for (const slot of slots) {
      if (slot.epoch !== newest.epoch) return bare
      const state = parseState(slot.state)
      if (state !== undefined) return { ...bare, state, time: slot.time, stateOffset: slot.offset }
    }
    const last = slots.at(-1)
    if (!more || last === undefined || last.offset === 1) return bare
    ;({ slots, more } = await context.store.readSlotsBefore(topic, last.offset, pageSlots))
  }
}

/**
 * What is known about a stream at `head`. Reads the sign of life of a running stream's producer if its newest slot is
 * older than `afterMs`.
 */
export async function evidenceOf(
  context: RuntimeContext,
  topic: string,
  head: StreamHead,
  afterMs: number = lapseMs,
): Promise<Evidence> {
  const { state, time, newest } = head
  const now = context.clock.now()
  const slotTime = Math.max(time, newest?.time ?? 0)
  const needsSign = state?.at === 'running' && now - slotTime > afterMs
  const sign = needsSign ? await context.store.readStreamSign(topic, state.by) : 0
  return { state, time, now: context.clock.now(), lastSign: Math.max(slotTime, sign) }
}

/**
 * Puts a slot after `head` if it is lawful after the state there and if no slot is there. The state goes into the slot.
 * A conflict returns the slot that is there as the new head, from which the writer decides again: its earlier decision
 * is of no use.
 */
// [LAW-STREAM]
export async function putStreamSlot(
  context: RuntimeContext,
  ref: StreamRef,
  { head, evidence, slot }: { readonly head: StreamHead; readonly evidence: Evidence; readonly slot: StreamSlot },
): Promise<StreamPut> {
  const made = makeSlot(context, ref, { head, evidence, slot })
  return made === undefined ? { status: 'unlawful', head } : putMade(context, ref, made)
}

/** Puts a slot that was made before. Repeated, it is the same slot: it stands once. */
export async function putMade(context: RuntimeContext, { topic }: StreamRef, made: Slot): Promise<StreamPut> {
  const outcome = await context.store.putSlot(topic, made)
  const standing = outcome.status === 'put' ? made : outcome.slot
  const isOwn = standing.publishId === made.publishId
  const head = await headOf(context, topic, standing)
  return isOwn ? { status: 'put', head, slot: standing } : { status: 'conflict', head }
}

/** The slot after `head`; undefined if the write is unlawful there. */
export function makeSlot(
  context: RuntimeContext,
  { retentionMs, rules }: StreamRef,
  { head, evidence, slot }: { readonly head: StreamHead; readonly evidence: Evidence; readonly slot: StreamSlot },
): Slot | undefined {
  const offset = head.offset + 1
  const law: StreamLaw = { onLost: rules.onLost, retentionMs }
  const state = stateAfter(evidence, slot.write, { ...law, offset })
  if (state === undefined) return undefined
  const { time = context.clock.now(), publishId, data, schema } = slot
  return {
    offset,
    epoch: head.newest?.epoch ?? randomName(context.clock, 12),
    publishId,
    time,
    expires: expiresFor(time, retentionMs),
    state: formatState(state),
    ...defined({ data, schema }),
    ...(data !== undefined && { own: true as const }),
  }
}

/** What a caller gets to know about a stream. */
export function statusOf({ state }: Pick<StreamHead, 'state'>) {
  if (state === undefined) return { state: 'idle', chunks: 0 } as const
  const { at, n, outcome } = state
  if (at !== 'closed' || outcome === undefined) return { state: at === 'waiting' ? at : 'running', chunks: n } as const
  return { state: 'closed', chunks: n, outcome } as const
}
