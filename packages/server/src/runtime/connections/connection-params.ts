import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromUnknown } from '@trpc/server/http'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { encode } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { deleteConnection, post } from '../posting/post.ts'

const firstPauseMs = 10
const maxPauseMs = 250

/**
 * The connection parameters that the client announced; null if it announced none. Frames run concurrently, so a frame
 * that arrives right after the parameters waits for them, within its deadline.
 */
// [TL-STOCK-4]
export async function awaitConnectionParams(
  context: InvocationContext,
  caller: ConnectionCaller,
): Promise<ConnectionParams> {
  if (!caller.expectsParams) return null
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, maxPauseMs)) {
    const row = await context.store.readConnection(caller.connectionId)
    if (row?.connectionParams !== undefined) return JSON.parse(row.connectionParams) as ConnectionParams
    if (context.deadline.signal.aborted || row?.state === 'CLOSED')
      throw new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid connection params shape' })
    await context.clock.sleep(pause, context.deadline.signal)
  }
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
