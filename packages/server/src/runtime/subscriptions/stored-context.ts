import { limits } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/store.ts'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import type { RuntimeContext } from '../context/scope.ts'
import type { Server } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

/** What a topic's row holds so that a delivery can run the procedure again: nothing of a subscription without `filter` and `map`. */
export type StoredContext = Pick<Subscriber, 'input' | 'piped'>

type RowName = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id'>

/** The context that a subscription's row is to hold. Throws TOO_LARGE for an input beyond `maxStoredInputBytes`. */
// [TL-LIM-7]
export function toStoredContext(
  { maxStoredInputBytes }: Pick<Server, 'maxStoredInputBytes'>,
  { caller, params, rawInput }: Subscribing,
  { pipe, presence }: Pick<SubscriptionDescriptor, 'pipe' | 'presence'>,
): StoredContext {
  if (pipe.length === 0 || presence !== undefined) return {} // every delivery reads the row: what it does not need costs reads
  const input = rawInput === undefined ? undefined : JSON.stringify(rawInput)
  const bytes = bytesOf(input)
  if (bytes > maxStoredInputBytes)
    throw tooLarge(
      `The input has ${bytes} bytes; at most ${maxStoredInputBytes} are stored for a subscription with filter or map (maxStoredInputBytes).`,
    )
  return {
    ...(input === undefined ? {} : { input }),
    piped: {
      session: caller.session,
      principal: caller.principal,
      ...(caller.claims === undefined ? {} : { claims: caller.claims }),
      ...(params === null ? {} : { connectionParams: JSON.stringify(params) }),
    },
  }
}

interface Subscribing {
  readonly caller: ConnectionCaller
  readonly params: ConnectionParams
  /** As it came. */
  readonly rawInput: unknown
}

/**
 * Checks that a connection's rows of one shard of a topic, this one included, hold at most `storedBytes` of context. Throws TOO_LARGE. Reads nothing for a row without context.
 * Asked before the first write, so that a refusal writes nothing, and again after the row is put: of two subscribes that race, the one that reads later sees both rows.
 */
// [TL-LIM-7]
export async function checkStoredBytes(
  scope: RuntimeContext,
  { id, ...place }: RowName,
  context: StoredContext,
): Promise<void> {
  const own = contextBytes(context)
  if (own === 0) return
  const rows = await scope.store.readSubscribersOf(place)
  const others = rows.filter((row) => row.id !== id).reduce((sum, row) => sum + contextBytes(row), 0)
  const most = limits.storedBytes.value
  if (own + others <= most) return
  throw tooLarge(
    `The inputs, claims and connection parameters of this connection's subscriptions to one topic would have ${own + others} bytes; at most ${most} are stored for filter and map.`,
  )
}

function contextBytes({ input, piped }: StoredContext): number {
  return bytesOf(input) + bytesOf(piped?.claims) + bytesOf(piped?.connectionParams)
}

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text)
}

function tooLarge(message: string): TrunklineError {
  return new TrunklineError('TOO_LARGE', message, { mayHaveRun: true }) // the procedure was run to learn of its filter
}
