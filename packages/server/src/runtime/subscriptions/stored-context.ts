import { defined, limits } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type Caller, sessionIdOf } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { checkRecheckedClaims } from '../procedures/topic-rights.ts'

/**
 * The parts of a topic's row with which a delivery runs the procedure again, or asks `authorize` of a channel with
 * `recheck`. Empty for a subscription that needs neither.
 */
export type StoredContext = Pick<Subscriber, 'input' | 'piped'>

type RowName = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id'>

/**
 * The context to store in a subscription's row. Throws TOO_LARGE for an input larger than `maxStoredInputBytes`, and
 * for claims that are too large for a channel with `recheck`.
 */
// [TL-LIM-7] [TL-RIGHT-5]
export function toStoredContext(
  { maxStoredInputBytes }: Pick<Server, 'maxStoredInputBytes'>,
  { caller, rawInput }: Subscribing,
  { pipe, presence, channel }: Pick<SubscriptionDescriptor, 'pipe' | 'presence' | 'channel'>,
): StoredContext {
  const isPiped = pipe.length > 0 && presence === undefined
  const piped: StoredContext['piped'] = {
    sessionId: sessionIdOf(caller),
    principal: caller.principal,
    ...defined({ claims: caller.claims }),
  }
  if (channel.recheck !== undefined) checkRecheckedClaims(caller.claims)
  // Every delivery reads the row, so unused bytes would cost read capacity.
  if (!isPiped) return channel.recheck === undefined ? {} : { piped: { ...piped, rechecked: 'only' } }
  const input = rawInput === undefined ? undefined : JSON.stringify(rawInput)
  const bytes = bytesOf(input)
  if (bytes > maxStoredInputBytes)
    throw tooLarge(
      `The input has ${bytes} bytes; at most ${maxStoredInputBytes} are stored for a subscription with filter or map (maxStoredInputBytes).`,
    )
  return {
    ...defined({ input }),
    piped: { ...piped, ...(caller.expectsParams && { hasParams: true }) },
  }
}

interface Subscribing {
  readonly caller: Caller
  /** The input before deserialisation. */
  readonly rawInput: unknown
}

/**
 * Checks that a connection's rows in one shard of a topic, this one included, hold at most `storedBytes` of context.
 * Throws TOO_LARGE. Reads nothing for a row without context. Called before the first write, so that a refusal writes
 * nothing, and again after the row is put: when two subscribes race, the later read sees both rows.
 */
// [TL-LIM-7]
export async function checkStoredBytes(
  context: RuntimeContext,
  { id, ...place }: RowName,
  stored: StoredContext,
): Promise<void> {
  const own = contextBytes(stored)
  if (own === 0) return
  const rows = await context.store.readSubscribersOf(place)
  const others = rows.filter((row) => row.id !== id).reduce((sum, row) => sum + contextBytes(row), 0)
  const max = limits.storedBytes.value
  if (own + others <= max) return
  throw tooLarge(
    `The inputs and claims of this connection's subscriptions to one topic would have ${own + others} bytes; at most ${max} are stored for filter and map. Subscribe fewer times, or with smaller inputs.`,
  )
}

function contextBytes({ input, piped }: StoredContext): number {
  return bytesOf(input) + bytesOf(piped?.claims) + bytesOf(piped?.connectionParams)
}

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text)
}

function tooLarge(message: string): TrunklineError {
  // The procedure has run, since only it says whether it filters.
  return new TrunklineError('TOO_LARGE', message, { mayHaveRun: true })
}
