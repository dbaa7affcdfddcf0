import { TRPCError } from '@trpc/server'
import { decodeClientMessage } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { helloFrame } from './hello.ts'
import { askedOf, type ParsedElement, parseElements } from './parse-request.ts'

/** [TL-HELLO-3] A refused connection hears why, once, and is deleted. Nothing that it sent runs. */
export async function rejectConnection(
  scope: InvocationContext,
  caller: ConnectionCaller,
  text: unknown,
): Promise<void> {
  const { maxBatchSize } = scope.server
  const decoded = decodeClientMessage(text, { maxBatchSize })
  const elements = decoded.ok && 'elements' in decoded ? decoded.elements.slice(0, maxBatchSize) : []
  const tooDeep = decoded.ok && 'elements' in decoded ? decoded.tooDeep : new Map()
  const judged = parseElements(scope.server, { elements, tooDeep }, null)
  const frames = judged.flatMap((each) => answer(scope, caller, each) ?? [])
  for (const message of toMessages(frames, caller.extensions)) await post(scope, caller.connectionId, message)
  await deleteConnection(scope, caller.connectionId)
}

/** The reason goes to every element with an id; of the others nothing runs, and nothing is said. */
function answer(scope: InvocationContext, caller: ConnectionCaller, judged: ParsedElement): string | undefined {
  const thrown = new TRPCError({ code: 'UNAUTHORIZED', message: caller.refused ?? 'refused' })
  if (judged.status === 'malformed')
    return judged.asked.id === null ? undefined : rejectRequest(scope, judged.asked, thrown)
  if (judged.request.method === 'hello') return helloFrame(scope, judged.request.id, caller)
  return rejectRequest(scope, askedOf(judged.request), thrown)
}
