import { TRPCError } from '@trpc/server'
import { decodeClientMessage } from '@trunkline/protocol'
import { type Answering, answerAll, answerText, refusalText, silence } from './answer.ts'
import type { ConnectionCaller } from './caller.ts'
import { connectionExpires, readCaller } from './connect.ts'
import { receiveConnectionParams } from './connection-params.ts'
import { noticeAgeing } from './notice.ts'
import { parseRequest } from './parse.ts'
import type { ServedScope } from './scope.ts'
import { toTasks } from './tasks.ts'
import { turnAway } from './turn-away.ts'

/** One message of a client, as the gateway handed it over. */
export interface InboundMessage {
  readonly connectionId: string
  /** What the authorizer told the gateway; absent when no authorizer stands before it: then the connection's row is read. */
  readonly caller: ConnectionCaller | undefined
  /** Epoch milliseconds. */
  readonly connectedAt: number
  readonly text: unknown
  /** The route answers with what the function returns. */
  readonly twoWay: boolean
}

/**
 * Takes one message and gives the text to return to the gateway; whatever else there is to answer has been posted.
 * Never throws for what a client sent. Throws when there is no caller because the table could not be reached: the gateway tells the client.
 */
export async function receive(scope: ServedScope, message: InboundMessage): Promise<string> {
  const caller = message.caller ?? (await readCaller(scope, message.connectionId))
  if (caller === undefined) return silence // closed meanwhile, or never connected: nobody hears
  const answering = { scope, caller, connectedAt: message.connectedAt, twoWay: message.twoWay }
  try {
    if (caller.refused === undefined) return await receiveFrom(answering, message.text)
    await turnAway(scope, caller, message.text)
    return silence
  } catch (thrown) {
    return answerText(answering, refusalText(answering, thrown))
  }
}

async function receiveFrom(answering: Answering, text: unknown): Promise<string> {
  const { scope, caller } = answering
  const decoded = decodeClientMessage(text, { maxBatchSize: scope.server.maxBatchSize })
  if (!decoded.ok) throw new TRPCError({ code: 'PARSE_ERROR', message: decoded.reason }) // [TL-BAD-1]
  if ('text' in decoded) {
    await noticeAgeing(scope, { ...caller, expires: connectionExpires(answering.connectedAt) })
    return decoded.text === 'PING' ? 'PONG' : silence // [TL-PING-2]
  }
  const [first] = decoded.elements
  if (!decoded.batch && isConnectionParams(first)) {
    await receiveConnectionParams(scope, caller, first)
    return silence
  }
  const requests = decoded.elements.map((element) => parseRequest(scope.server, element))
  const returned = await answerAll(answering, toTasks(requests, decoded.overfull))
  await noticeAgeing(scope, { ...caller, expires: connectionExpires(answering.connectedAt) })
  return returned
}

function isConnectionParams(element: unknown): element is { readonly data?: unknown } {
  return typeof element === 'object' && element !== null && 'method' in element && element.method === 'connectionParams'
}
