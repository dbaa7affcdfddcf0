import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromUnknown } from '@trpc/server/http'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import type { InvocationContext } from '../context/scope.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { deleteConnection, post } from '../posting/post.ts'

const firstPauseMs = 10
const longestPauseMs = 250

/** The parameters that a connection announced. Frames run concurrently, so one that arrives right after them waits, within its deadline. */
// [TL-STOCK-4]
export async function awaitConnectionParams(
  scope: InvocationContext,
  caller: ConnectionCaller,
): Promise<ConnectionParams> {
  if (!caller.expectsParams) return null
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    const row = await scope.store.readConnection(caller.connectionId)
    if (row?.connectionParams !== undefined) return JSON.parse(row.connectionParams) as ConnectionParams
    if (scope.deadline.signal.aborted || row?.state === 'CLOSED')
      throw new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid connection params shape' })
    await scope.clock.sleep(pause, scope.deadline.signal)
  }
}

/** Takes tRPC's `connectionParams` message. Malformed ones are answered and the connection is deleted; a second message is an error, as in tRPC. */
// [TL-STOCK-5]
export async function receiveConnectionParams(
  scope: InvocationContext,
  caller: ConnectionCaller,
  element: { readonly data?: unknown },
): Promise<void> {
  const { connectionId } = caller
  const rejectElement = async (thrown: unknown, end: boolean) => {
    await post(scope, connectionId, rejectRequest(scope, { id: null, type: 'unknown', cause: 'frame' }, thrown))
    if (end) await deleteConnection(scope, connectionId)
  }
  if (!caller.expectsParams)
    return rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
  let params: ConnectionParams
  try {
    params = parseConnectionParamsFromUnknown(element.data) as ConnectionParams // tRPC checked that every value is a string
  } catch (thrown) {
    return rejectElement(thrown, true)
  }
  const stored = await scope.store.putConnectionParams(connectionId, JSON.stringify(params))
  if (stored === 'exists')
    await rejectElement(new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid request id' }), false)
}
