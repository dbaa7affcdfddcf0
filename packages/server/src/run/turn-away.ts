import { TRPCError } from '@trpc/server'
import { decodeClientMessage } from '@trunkline/protocol'
import { askedOf } from './answer.ts'
import type { ConnectionCaller } from './caller.ts'
import { helloFrame } from './hello.ts'
import { toMessages } from './messages.ts'
import { parseRequest } from './parse.ts'
import { cut, post } from './post.ts'
import { refuse } from './refuse.ts'
import type { ServedScope } from './scope.ts'

/** [TL-HELLO-3] A refused connection hears why, once, and is deleted. Nothing that it sent runs. */
export async function turnAway(scope: ServedScope, caller: ConnectionCaller, text: unknown): Promise<void> {
  const { maxBatchSize } = scope.server
  const decoded = decodeClientMessage(text, { maxBatchSize })
  const elements = decoded.ok && 'elements' in decoded ? decoded.elements.slice(0, maxBatchSize) : []
  const frames = elements.flatMap((element) => answer(scope, caller, element) ?? [])
  for (const message of toMessages(frames, caller.extensions)) await post(scope, caller.connectionId, message)
  await cut(scope, caller.connectionId)
}

function answer(scope: ServedScope, caller: ConnectionCaller, element: unknown): string | undefined {
  try {
    const request = parseRequest(scope.server, element)
    if (request.method === 'hello') return helloFrame(scope, request.id, caller)
    const thrown = new TRPCError({ code: 'UNAUTHORIZED', message: caller.refused ?? 'refused' })
    return refuse(scope, askedOf(request), thrown)
  } catch {
    return undefined // whatever it was, nothing of it runs
  }
}
