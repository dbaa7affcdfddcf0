import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromUnknown } from '@trpc/server/http'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { encode } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { deleteConnection, post } from '../posting/post.ts'

const firstPauseMs = 10
const maxPauseMs = 300
/** How long the frames of a message wait for the parameters: at most 12 reads, with growing pauses. */
const waitMs = 2_000

/** The parameters that a connection announced. All frames of one message share one wait. */
export interface AnnouncedParams {
  /** The parameters; null if none were announced. Throws MALFORMED when they did not come in time. */
  read(): Promise<ConnectionParams>
  /** Whether they did not come in time. Then the message is answered, and the connection is deleted. */
  readonly areMissing: boolean
}

/** The parameters of the sender of one message. Nothing is read before the first frame needs them. */
// [TL-STOCK-4]
export function announcedParams(context: InvocationContext, caller: ConnectionCaller): AnnouncedParams {
  let found: Promise<ConnectionParams | undefined> | undefined
  let areMissing = false
  return {
    async read() {
      if (!caller.expectsParams) return null
      found ??= awaitParams(context, caller.connectionId)
      const params = await found
      if (params !== undefined) return params
      areMissing = true
      throw missing()
    },
    get areMissing() {
      return areMissing
    },
  }
}

/**
 * Frames run concurrently, so a frame that arrives right after the parameters waits for them. Undefined when they did
 * not come [LAW-DEADLINE].
 */
async function awaitParams(
  { store, clock, deadline }: InvocationContext,
  connectionId: string,
): Promise<ConnectionParams | undefined> {
  const until = Math.min(clock.now() + waitMs, deadline.at)
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, maxPauseMs)) {
    const row = await store.readConnection(connectionId)
    if (row?.connectionParams !== undefined) return JSON.parse(row.connectionParams) as ConnectionParams
    const left = until - clock.now()
    if (left <= 0 || row?.state === 'CLOSED') return undefined
    await clock.sleep(Math.min(pause, left), deadline.signal)
  }
}

function missing(): TrunklineError {
  return new TrunklineError(
    'MALFORMED',
    `Expected the connection parameters within ${waitMs / 1_000} s, because the URL has connectionParams=1, got none. ` +
      'Send {"method":"connectionParams","data":{…}} first, or connect without connectionParams=1.',
    { retry: 'later' }, // the function that stores the parameters may have started late
  )
}

/**
 * Handles tRPC's `connectionParams` message. Malformed parameters are answered with an error, and the connection is
 * deleted. A second message is an error, as in tRPC.
 */
// [TL-STOCK-5]
export async function receiveConnectionParams(
  context: InvocationContext,
  caller: ConnectionCaller,
  element: { readonly data?: unknown },
): Promise<void> {
  const { connectionId } = caller
  const rejectElement = async (thrown: unknown, isFatal: boolean) => {
    const frame = rejectRequest(context, { id: null, type: 'unknown', cause: 'frame' }, thrown)
    await post(context, connectionId, encode(frame))
    if (isFatal) await deleteConnection(context, connectionId)
  }
  if (!caller.expectsParams)
    return rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
  let params: ConnectionParams
  try {
    // tRPC has checked that every value is a string.
    params = parseConnectionParamsFromUnknown(element.data) as ConnectionParams
  } catch (thrown) {
    return rejectElement(thrown, true)
  }
  const stored = await context.store.putConnectionParams(connectionId, JSON.stringify(params))
  if (stored === 'exists')
    await rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
}
