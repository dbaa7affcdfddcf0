import { TRPCError } from '@trpc/server'
import { decodeClientMessage } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { helloFrame } from './hello.ts'
import { type ParsedElement, parseElements, requestInfoOf } from './parse-request.ts'

/** Answers a refused connection with the reason, then deletes it. Nothing that it sent runs. [TL-HELLO-3] */
export async function rejectConnection(
  scope: InvocationContext,
  caller: ConnectionCaller,
  text: unknown,
): Promise<void> {
  const { maxBatchSize } = scope.server
  const decoded = decodeClientMessage(text, { maxBatchSize })
  const elements = decoded.ok && 'elements' in decoded ? decoded.elements.slice(0, maxBatchSize) : []
  const tooDeep = decoded.ok && 'elements' in decoded ? decoded.tooDeep : new Map()
  const parsed = parseElements(scope.server, { elements, tooDeep }, null)
  const frames = parsed.flatMap((each) => answer(scope, caller, each) ?? [])
  for (const message of toMessages(frames, caller.extensions)) await post(scope, caller.connectionId, message)
  await deleteConnection(scope, caller.connectionId)
}

/** The reason answers each element with an id. Elements without an id get no answer. */
function answer(scope: InvocationContext, caller: ConnectionCaller, parsed: ParsedElement): string | undefined {
  const thrown = new TRPCError({ code: 'UNAUTHORIZED', message: caller.refused ?? 'refused' })
  if (parsed.status === 'malformed')
    return parsed.asked.id === null ? undefined : rejectRequest(scope, parsed.asked, thrown)
  if (parsed.request.method === 'hello') return helloFrame(scope, parsed.request.id, caller)
  return rejectRequest(scope, requestInfoOf(parsed.request), thrown)
}
